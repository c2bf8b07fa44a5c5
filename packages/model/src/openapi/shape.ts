/** What is read of an OpenAPI document (3.0 and 3.1), with the place of whatever has another form. What is not read may be there. */
import { z } from "zod";

const TYPES = ["null", "boolean", "object", "array", "number", "integer", "string"] as const;
const type = z.enum(TYPES);

/** A regular expression as JSON Schema has them: those of ECMAScript. */
const pattern = z.string().check((context) => {
  const wrong = patternError(context.value);
  if (wrong === undefined) return;
  context.issues.push({
    code: "custom",
    input: context.value,
    message: `"${context.value}" is not a regular expression: ${wrong}`,
    params: { code: "HDL0064" },
  });
});

function patternError(text: string): string | undefined {
  try {
    new RegExp(text, "u");
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^Invalid regular expression: /, "");
  }
}

const count = z.int().min(0);
const unread = (keyword: string) => z.never({ error: `${keyword} is not followed` }).optional();

/** `true` and `false` are schemas too. */
const schema: z.ZodType<JsonSchema> = z.lazy(() =>
  z.preprocess((value) => (typeof value === "boolean" ? {} : value), schemaObject),
) as z.ZodType<JsonSchema>;
const schemas = z.array(schema).min(1);
const schemaMap = z.record(z.string(), schema);

const schemaObject = z.looseObject({
  $ref: z.string().optional(),
  // What changes where references lead to.
  $id: unread("$id"),
  $anchor: unread("$anchor"),
  $dynamicRef: unread("$dynamicRef"),
  $dynamicAnchor: unread("$dynamicAnchor"),
  type: z
    .union([type, z.array(type).min(1)], { error: `is not one of ${TYPES.join(", ")}` })
    .optional(),
  enum: z.array(z.unknown()).min(1).optional(),
  format: z.string().optional(),
  pattern: pattern.optional(),
  minLength: count.optional(),
  maxLength: count.optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  // 3.0 has a flag here, 3.1 a number.
  exclusiveMinimum: z.union([z.number(), z.boolean()]).optional(),
  exclusiveMaximum: z.union([z.number(), z.boolean()]).optional(),
  multipleOf: z.number().positive().optional(),
  minItems: count.optional(),
  maxItems: count.optional(),
  uniqueItems: z.boolean().optional(),
  minProperties: count.optional(),
  maxProperties: count.optional(),
  required: z.array(z.string()).optional(),
  nullable: z.boolean().optional(),
  readOnly: z.boolean().optional(),
  properties: schemaMap.optional(),
  patternProperties: z.record(pattern, schema).optional(),
  additionalProperties: schema.optional(),
  unevaluatedProperties: schema.optional(),
  propertyNames: schema.optional(),
  dependentSchemas: schemaMap.optional(),
  dependentRequired: z.record(z.string(), z.array(z.string())).optional(),
  $defs: schemaMap.optional(),
  items: schema.optional(),
  prefixItems: schemas.optional(),
  contains: schema.optional(),
  unevaluatedItems: schema.optional(),
  allOf: schemas.optional(),
  anyOf: schemas.optional(),
  oneOf: schemas.optional(),
  not: schema.optional(),
  if: schema.optional(),
  // eslint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema; nobody awaits this
  then: schema.optional(),
  else: schema.optional(),
});

/** Of a JSON Schema what is asked for by name; a boolean counts as `{}`. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: JsonType | readonly JsonType[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly allOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

export type JsonType = (typeof TYPES)[number];

const mediaType = z.looseObject({ schema: schema.optional() });
const content = z.record(z.string(), mediaType);
/** Either what is meant or where it stands; the one with `$ref` has none of the other's fields. */
const reference = z.looseObject({ $ref: z.string() });
const orReference = <T extends z.ZodType>(shape: T) =>
  z.unknown().check((context) => {
    const { value } = context;
    const isReference = typeof value === "object" && value !== null && "$ref" in value;
    const { error } = (isReference ? reference : shape).safeParse(value);
    for (const issue of error?.issues ?? [])
      context.issues.push({ ...issue, input: value } as z.core.$ZodRawIssue);
  });

export const parameter = z.looseObject({
  name: z.string().min(1),
  in: z.enum(["path", "query", "header", "cookie"]),
  required: z.boolean().optional(),
  style: z
    .enum(["form", "simple", "spaceDelimited", "pipeDelimited", "deepObject"], {
      error: "parameters of this style cannot be read",
    })
    .optional(),
  explode: z.boolean().optional(),
  schema: schema.optional(),
  content: content.optional(),
});
export type Parameter = z.infer<typeof parameter>;

export const requestBody = z.looseObject({ required: z.boolean().optional(), content });

const operation = z.looseObject({
  operationId: z.string().optional(),
  parameters: z.array(orReference(parameter)).optional(),
  requestBody: orReference(requestBody).optional(),
});
export type Operation = z.infer<typeof operation>;

export const METHODS = [
  "get",
  "put",
  "post",
  "delete",
  "options",
  "head",
  "patch",
  "trace",
] as const;

export const pathItem = z.looseObject({
  $ref: z.string().optional(),
  parameters: z.array(orReference(parameter)).optional(),
  ...(Object.fromEntries(METHODS.map((method) => [method, operation.optional()])) as Record<
    (typeof METHODS)[number],
    z.ZodOptional<typeof operation>
  >),
});

const server = z.looseObject({
  url: z.string(),
  variables: z.record(z.string(), z.looseObject({ default: z.string() })).optional(),
});
export type Server = z.infer<typeof server>;

const named = <T extends z.ZodType>(shape: T) =>
  z.record(z.string(), orReference(shape)).optional();

export const openApi = z.looseObject({
  $ref: unread("a reference for the whole"),
  openapi: z.string().regex(/^3\.[01]\.\d+$/, { error: "is not a version 3.0.x or 3.1.x" }),
  servers: z.array(server).optional(),
  paths: z
    .record(z.string().regex(/^(?:\/|x-)/, { error: "a path begins with /" }), pathItem)
    .optional(),
  components: z
    .looseObject({
      schemas: schemaMap.optional(),
      parameters: named(parameter),
      requestBodies: named(requestBody),
      pathItems: z.record(z.string(), pathItem).optional(),
    })
    .optional(),
});
export type OpenApi = z.infer<typeof openApi>;
