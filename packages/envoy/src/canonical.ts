/** A value as a person wrote it, in the one form that all of our own values have. */
import { decode } from "./decode.ts";
import { encode } from "./encode.ts";
import { hasMessage } from "./schema.ts";
import { typeNameOf, typeUrl } from "./type-urls.ts";

/** A message whose real type is named inside of it; Envoy reads both spellings alike. */
const TYPED_STRUCTS: ReadonlySet<string> = new Set([
  "udpa.type.v1.TypedStruct",
  "xds.type.v3.TypedStruct",
]);

/**
 * The value with lowerCamelCase names, enums by name, and no field that has its type's default; a TypedStruct of a type that
 * the API has becomes that type. Throws a `ValueError` that names field and path, as `encode` does.
 */
export function canonical(typeName: string, value: unknown): Readonly<Record<string, unknown>> {
  const bytes = encode(typeName, withoutTypedStructs(value));
  return decode(typeName, bytes) as Readonly<Record<string, unknown>>;
}

function withoutTypedStructs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTypedStructs);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withoutTypedStructs(inner)]),
  );
  const type = fields["@type"];
  if (typeof type !== "string" || !TYPED_STRUCTS.has(typeNameOf(type))) return fields;
  const url = fields["typeUrl"] ?? fields["type_url"];
  const inner = fields["value"] ?? {};
  if (typeof url !== "string" || typeof inner !== "object") return fields;
  return hasMessage(typeNameOf(url))
    ? { "@type": url, ...inner }
    : { "@type": typeUrl("xds.type.v3.TypedStruct"), typeUrl: url, value: inner };
}
