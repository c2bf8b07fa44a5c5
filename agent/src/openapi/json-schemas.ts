/** The schemas of an OpenAPI document as functions that say what is wrong with a value. */
import { Ajv, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { belowOpenApiKey, isFields, type OpenApiDocument } from "@heddle/model";

export interface WrongValue {
  /** JSON pointer inside of the value; empty for the whole. */
  readonly pointer: string;
  readonly reason: string;
}

export type SchemaCheck = (value: unknown) => WrongValue | undefined;

const DOCUMENT = "heddle:document";

/** Compiles the schema that `#/…` leads to. Throws for one that cannot be. */
export function schemaChecks({
  value,
  version,
}: OpenApiDocument): (pointer: string) => SchemaCheck {
  const options = {
    strict: false,
    validateSchema: false,
    logger: false,
    addUsedSchema: false,
  } as const;
  const ajv = version === "3.1" ? new Ajv2020(options) : new Ajv(options);
  addFormats.default(ajv);
  ajv.addSchema(asJsonSchema(value, version, false) as object, DOCUMENT);
  return (pointer) => {
    const validate = ajv.compile({ $ref: DOCUMENT + pointer }) as ValidateFunction;
    return (given) => {
      if (validate(given)) return undefined;
      const [error] = validate.errors ?? [];
      return {
        pointer: error?.instancePath ?? "",
        reason: error?.message ?? "is not as described",
      };
    };
  };
}

/**
 * Says in the words of JSON Schema what OpenAPI says in its own: `nullable` and the flags of 3.0 for exclusive bounds, siblings of
 * references that do not count there, and properties that only answers have. Examples are left out.
 */
function asJsonSchema(
  value: unknown,
  version: OpenApiDocument["version"],
  names: boolean,
): unknown {
  if (Array.isArray(value)) return value.map((item) => asJsonSchema(item, version, false));
  if (!isFields(value)) return value;
  const written = names
    ? value
    : withoutReadOnly(withExclusiveBounds(version === "3.0" ? fromVersion30(value) : value));
  return Object.fromEntries(
    Object.entries(written).flatMap(([key, child]) => {
      if (!names && (key === "example" || key === "examples")) return [];
      const what = belowOpenApiKey(key, names);
      return [[key, what === "data" ? child : asJsonSchema(child, version, what === "names")]];
    }),
  );
}

type Fields = Readonly<Record<string, unknown>>;

function fromVersion30(schema: Fields): Fields {
  if (typeof schema["$ref"] === "string") return { $ref: schema["$ref"] };
  const { nullable, type, ...rest } = schema;
  return {
    ...rest,
    ...(type === undefined ? {} : { type: nullable === true ? [type, "null"] : type }),
  };
}

/** 3.0 has flags beside a bound, which are read in either version. */
function withExclusiveBounds(schema: Fields): Fields {
  const { exclusiveMinimum, exclusiveMaximum, ...rest } = schema;
  return {
    ...rest,
    ...bound(rest, "minimum", "exclusiveMinimum", exclusiveMinimum),
    ...bound(rest, "maximum", "exclusiveMaximum", exclusiveMaximum),
  };
}

function bound(schema: Fields, plain: string, exclusive: string, flag: unknown): Fields {
  if (typeof flag === "number") return { [exclusive]: flag };
  const limit = schema[plain];
  return flag === true && limit !== undefined ? { [plain]: undefined, [exclusive]: limit } : {};
}

/** A request need not have what only an answer has. */
function withoutReadOnly(schema: Fields): Fields {
  const { required, properties } = schema;
  if (!Array.isArray(required) || !isFields(properties)) return schema;
  const needed = (required as readonly string[]).filter((name) => {
    const property = properties[name];
    return !(isFields(property) && property["readOnly"] === true);
  });
  return { ...schema, required: needed };
}
