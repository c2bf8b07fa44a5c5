/** Null as "not set", as protobuf's JSON and Kubernetes have it. */
import { z } from "zod";
import { schemaInside } from "./fields.ts";

/**
 * A value without the fields that are null, as far as its schema knows them. Elsewhere null stays, and is refused or
 * kept by the schema: in lists; under a key of the user's own, where leaving it out would drop a condition; in
 * fields that nobody knows; and in what is passed on as it came. Without a schema all null fields go.
 *
 * A large object has tens of thousands of fields: what holds no null is not copied, and no schema is looked up for it.
 */
export function withoutNulls(value: unknown, schema?: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (schema instanceof z.ZodUnknown) return value;
  return Array.isArray(value) ? ofItems(value, schema) : ofFields(value, schema);
}

function ofItems(items: readonly unknown[], schema: unknown): readonly unknown[] {
  const inside = schemaInside(schema, 0);
  let copy: unknown[] | undefined;
  for (const [at, item] of items.entries()) {
    const kept = withoutNulls(item, inside);
    if (kept !== item) (copy ??= [...items])[at] = kept;
  }
  return copy ?? items;
}

function ofFields(fields: object, schema: unknown): object {
  let copy: Map<string, unknown> | undefined;
  for (const [name, inner] of Object.entries(fields) as [string, unknown][]) {
    if (typeof inner !== "object") continue;
    const within = schemaInside(schema, name);
    if (inner === null) {
      if (staysNull(schema, within)) continue;
      (copy ??= new Map(Object.entries(fields))).delete(name);
    } else {
      const kept = withoutNulls(inner, within);
      if (kept !== inner) (copy ??= new Map(Object.entries(fields))).set(name, kept);
    }
  }
  return copy ? Object.fromEntries(copy) : fields;
}

function staysNull(schema: unknown, within: unknown): boolean {
  return schema instanceof z.ZodRecord || (schema instanceof z.ZodObject && within === undefined);
}
