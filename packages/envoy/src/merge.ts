/** Lays one message over another, as protobuf's own merge does, on values in protobuf JSON. */
import { messageSchema } from "./schema.ts";
import type { FieldSchema } from "./schema.ts";
import { typeNameOf } from "./type-urls.ts";
import { hasOwnJsonForm } from "./well-known-write.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What becomes of a list that both have: the patch's items come after those that are there, or take their place. */
export type ListMerge = "append" | "replace";

const ANY = "google.protobuf.Any";
const STRUCT = "google.protobuf.Struct";

/**
 * `patch` over `base`, neither of which is changed; both in canonical form. Messages are merged field by field, entries of a
 * map replaced, a member of a oneof drives out the others, and a message of any type is merged inside where both are of the
 * same type, else replaced. Throws a `ValueError` (HDL3004) for a type that the API does not have.
 */
export function merge(
  typeName: string,
  base: Fields,
  patch: Fields,
  lists: ListMerge = "append",
): Fields {
  const fields = fieldsOf(typeName);
  const result: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(patch)) {
    const field = fields.get(name);
    if (field === undefined || value === undefined || value === null) continue;
    if (field.oneof >= 0) {
      for (const other of fields.values()) {
        if (other.oneof === field.oneof && other !== field) delete result[other.jsonName];
      }
    }
    result[name] = mergeField(field, result[name], value, lists);
  }
  return result;
}

const known = new Map<string, ReadonlyMap<string, FieldSchema>>();

function fieldsOf(typeName: string): ReadonlyMap<string, FieldSchema> {
  let fields = known.get(typeName);
  if (!fields) {
    fields = new Map(messageSchema(typeName).fields.map((field) => [field.jsonName, field]));
    known.set(typeName, fields);
  }
  return fields;
}

function mergeField(field: FieldSchema, base: unknown, patch: unknown, lists: ListMerge): unknown {
  if (field.shape === "list") {
    return lists === "append" && Array.isArray(base) ? [...base, ...(patch as unknown[])] : patch;
  }
  if (!isFields(base) || !isFields(patch)) return patch;
  if (field.shape === "map" || field.messageName === STRUCT) return { ...base, ...patch };
  if (field.messageName === ANY) return mergeAny(base, patch, lists);
  if (field.messageName === undefined || hasOwnJsonForm(field.messageName)) return patch;
  return merge(field.messageName, base, patch, lists);
}

function mergeAny(base: Fields, patch: Fields, lists: ListMerge): Fields {
  const name = typeNameOf(String(patch["@type"]));
  if (typeNameOf(String(base["@type"])) !== name || hasOwnJsonForm(name)) return patch;
  return { "@type": patch["@type"], ...merge(name, base, patch, lists) };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
