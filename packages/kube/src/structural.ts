/** A schema of ours as the structural schema that Kubernetes wants of a custom resource: only what it knows, and open where ours is. */
import { z } from "zod";

/** The part of OpenAPI v3 that a structural schema is made of. */
export interface StructuralSchema {
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: StructuralSchema;
  readonly items?: StructuralSchema;
  readonly [field: string]: unknown;
}

type Json = Readonly<Record<string, unknown>>;

/** Limits that mean the same in both. */
const KEPT = [
  ...["enum", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  ...["minLength", "maxLength", "minItems", "maxItems"],
];
const ANYTHING: StructuralSchema = { "x-kubernetes-preserve-unknown-fields": true };
const TYPES: ReadonlySet<unknown> = new Set([
  ...["object", "array", "string", "integer", "number", "boolean"],
]);

/**
 * What a schema says of the shape: fields, types, words and limits. Rules between fields stay with the webhook and the
 * agent. Fields that the schema does not have are not in it either: the API server takes them away, or refuses them where it is asked to.
 */
export function structuralSchema(schema: z.ZodType): StructuralSchema {
  return structural(
    z.toJSONSchema(schema, {
      ...{ io: "input", unrepresentable: "any", target: "openapi-3.0", reused: "inline" },
    }) as Json,
  );
}

function structural(schema: Json): StructuralSchema {
  const { type, properties, required, additionalProperties, items } = schema;
  if (!TYPES.has(type)) return ANYTHING;
  const limits = Object.fromEntries(
    KEPT.flatMap((name) => (isLimit(name, schema[name]) ? [[name, schema[name]]] : [])),
  );
  const own = { type: type as NonNullable<StructuralSchema["type"]>, ...limits };
  if (type === "array")
    return { ...own, items: isJson(items) ? structural(items) : { ...ANYTHING } };
  if (type !== "object") return own;
  const fields = isJson(properties) ? Object.entries(properties as Record<string, Json>) : [];
  if (fields.length > 0) {
    const open = isJson(additionalProperties) || additionalProperties === undefined;
    return {
      ...own,
      properties: Object.fromEntries(fields.map(([name, field]) => [name, structural(field)])),
      ...(Array.isArray(required) && required.length > 0
        ? { required: required as readonly string[] }
        : {}),
      ...(open ? ANYTHING : {}),
    };
  }
  if (!isJson(additionalProperties)) return { ...own, ...ANYTHING };
  const values = structural(additionalProperties);
  return values.type === undefined
    ? { ...own, ...ANYTHING }
    : { ...own, additionalProperties: values };
}

/** What JavaScript's numbers can hold is no limit that a user knows, and base64 has a pattern of many lines for nothing. */
function isLimit(name: string, value: unknown): boolean {
  if (value === undefined) return false;
  if (typeof value === "number") return Math.abs(value) !== Number.MAX_SAFE_INTEGER;
  return name !== "pattern" || String(value).length < 100;
}

const isJson = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
