/** Null as "not set", as protobuf's JSON and Kubernetes have it. */
import { z } from "zod";
import { schemaInside } from "./fields.ts";

/**
 * A value without the fields that are null, as far as its schema knows them. Elsewhere null stays, and is refused or
 * kept by the schema: in lists; under a key of the user's own, where leaving it out would drop a condition; in
 * fields that nobody knows; and in what is passed on as it came. Without a schema all null fields go.
 */
export function withoutNulls(value: unknown, schema?: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (schema instanceof z.ZodUnknown) return value;
  if (Array.isArray(value)) {
    return value.map((item: unknown) => withoutNulls(item, schemaInside(schema, 0)));
  }
  const fixed = schema instanceof z.ZodObject;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
      const within = schemaInside(schema, name);
      const stays = schema instanceof z.ZodRecord || (fixed && within === undefined);
      return inner === null && !stays ? [] : [[name, withoutNulls(inner, within)]];
    }),
  );
}
