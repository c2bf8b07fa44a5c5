/** The operations of an OpenAPI document, with all that a request is told apart and checked by. */
import type { z } from "zod";
import { isFields } from "../fields.ts";
import type { Path } from "./document.ts";
import { pointerOf, resolved } from "./references.ts";
import {
  type JsonSchema,
  type JsonType,
  METHODS,
  type OpenApi,
  type Operation,
  type Parameter,
  parameter,
  pathItem,
  requestBody,
  type Server,
} from "./shape.ts";

export interface OpenApiOperation {
  /** The template, behind the path of a server: `/v1/pets/{id}`. */
  readonly path: string;
  /** Upper case. */
  readonly method: string;
  readonly parameters: readonly OpenApiParameter[];
  readonly body?: OpenApiBody;
}

export interface OpenApiParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header" | "cookie";
  readonly required: boolean;
  readonly style: "form" | "simple" | "spaceDelimited" | "pipeDelimited" | "deepObject";
  readonly explode: boolean;
  /** Its value is a text of this type; only JSON is read. */
  readonly mediaType?: string;
  /** `#/…`; none: any value. */
  readonly schema?: string;
  readonly types: ValueTypes;
}

/** What a text stands for, as far as a schema says: a parameter's value, or a field of a form. */
export interface ValueTypes {
  readonly own: readonly JsonType[];
  /** Of the items of an array. */
  readonly items: readonly JsonType[];
  readonly properties: Readonly<Record<string, readonly JsonType[]>>;
}

export interface OpenApiBody {
  readonly required: boolean;
  /** Types and ranges, the most specific first. */
  readonly content: readonly {
    readonly type: string;
    readonly schema?: string;
    /** Of what a form's fields stand for. */
    readonly types: ValueTypes;
  }[];
}

/** Something that cannot be checked, and where it stands. */
export class PlaceError extends Error {
  readonly path: Path;
  constructor(path: Path, message: string) {
    super(message);
    this.path = path;
  }
}

/** Throws a `PlaceError`. References were checked before. */
export function operationsOf(document: OpenApi): readonly OpenApiOperation[] {
  const bases = basesOf(document.servers ?? []);
  const all = Object.entries(document.paths ?? {}).flatMap(([template, written]) => {
    if (!template.startsWith("/")) return [];
    const { value: item, path } = found(document, written, ["paths", template], pathItem);
    checkTemplate(template, path);
    const shared = parametersOf(document, item.parameters ?? [], [...path, "parameters"]);
    return METHODS.flatMap((method) => {
      const operation = item[method] as Operation | undefined;
      if (operation === undefined) return [];
      const at = [...path, method];
      const own = parametersOf(document, operation.parameters ?? [], [...at, "parameters"]);
      const parameters = [
        ...shared.filter((each) => !own.some((other) => isSame(each, other))),
        ...own,
      ];
      checkPathParameters(template, parameters, at);
      const body = operation.requestBody;
      return bases.map((base): OpenApiOperation => ({
        path: base + template,
        method: method.toUpperCase(),
        parameters,
        ...(body === undefined ? {} : { body: bodyOf(document, body, [...at, "requestBody"]) }),
      }));
    });
  });
  return all.toSorted((a, b) => templated(a.path) - templated(b.path));
}

/** What stands at a place, behind references, which may lead to something else than is meant. */
function found<T>(
  document: OpenApi,
  written: unknown,
  path: Path,
  shape: z.ZodType<T>,
): { readonly value: T; readonly path: Path } {
  const there = resolved<unknown>(document, written, path);
  const { data, error } = shape.safeParse(there.value);
  if (data !== undefined) return { value: data, path: there.path };
  const [issue] = error?.issues ?? [];
  throw new PlaceError(path, `what it refers to is none: ${issue?.message ?? ""}`);
}

/** Steps of a path that are parameters. */
function templated(path: string): number {
  return path.split("/").filter((step) => step.includes("{")).length;
}

/** Paths of the servers, without a slash at the end; `""` where there is none. */
function basesOf(servers: readonly Server[]): readonly string[] {
  const bases = servers.map(({ url, variables = {} }) => {
    const filled = url.replaceAll(
      /\{([^}]*)\}/g,
      (whole, name: string) => variables[name]?.default ?? whole,
    );
    const path = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(filled)?.[0] ?? "";
    const [rest = ""] = filled.slice(path.length).split(/[?#]/);
    return rest.replace(/\/+$/, "");
  });
  return bases.length === 0 ? [""] : [...new Set(bases)];
}

function checkTemplate(template: string, path: Path): void {
  for (const step of template.split("/")) {
    if (/^(?:[^{}]*(?:\{[^{}]+\}[^{}]*)?)$/.test(step)) continue;
    throw new PlaceError(
      path,
      `"${step}" has more than one parameter, or braces that do not close`,
    );
  }
}

function checkPathParameters(
  template: string,
  parameters: readonly OpenApiParameter[],
  path: Path,
): void {
  const there = [...template.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name!);
  const said = parameters.filter((each) => each.in === "path").map(({ name }) => name);
  const missing = there.find((name) => !said.includes(name));
  if (missing !== undefined)
    throw new PlaceError(path, `{${missing}} of the path is not among the parameters`);
  const unused = said.find((name) => !there.includes(name));
  if (unused !== undefined)
    throw new PlaceError(path, `parameter "${unused}" does not stand in the path`);
}

function isSame(a: OpenApiParameter, b: OpenApiParameter): boolean {
  return a.in === b.in && a.name === b.name;
}

function parametersOf(
  document: OpenApi,
  written: readonly unknown[],
  path: Path,
): readonly OpenApiParameter[] {
  return written.flatMap((each, index) => {
    const { value, path: at } = found(document, each, [...path, index], parameter);
    // OpenAPI leaves these to the rest of a request's description.
    if (value.in === "header" && IGNORED_HEADERS.has(value.name.toLowerCase())) return [];
    return [parameterOf(document, value, at)];
  });
}

const IGNORED_HEADERS: ReadonlySet<string> = new Set(["accept", "content-type", "authorization"]);

function parameterOf(document: OpenApi, value: Parameter, path: Path): OpenApiParameter {
  const { name, in: place, required = false, schema, content } = value;
  const style = value.style ?? (place === "query" || place === "cookie" ? "form" : "simple");
  const explode = value.explode ?? style === "form";
  const [typed] = Object.entries(content ?? {});
  const at = typed ? [...path, "content", typed[0], "schema"] : [...path, "schema"];
  const written = typed ? typed[1].schema : schema;
  const types = typesOf(document, written, at);
  if (!typed) {
    const shape = types.own.includes("object")
      ? "object"
      : types.own.includes("array")
        ? "array"
        : "value";
    if (
      !STYLES[place].includes(`${style} ${shape}${shape !== "value" && explode ? " exploded" : ""}`)
    )
      throw new PlaceError(
        path,
        `an ${shape} in style ${style}${explode ? ", exploded," : ""} cannot be read from ${place === "path" ? "a path" : `a ${place}`}`,
      );
  }
  return {
    ...{ name, in: place, required: required || place === "path", style, explode, types },
    ...(typed ? { mediaType: typed[0] } : {}),
    ...(written === undefined ? {} : { schema: pointerOf(at) }),
  };
}

/** Forms in which a value can be told from its surroundings. */
const STYLES: Readonly<Record<OpenApiParameter["in"], readonly string[]>> = {
  path: [
    "simple value",
    "simple array",
    "simple array exploded",
    "simple object",
    "simple object exploded",
  ],
  header: [
    "simple value",
    "simple array",
    "simple array exploded",
    "simple object",
    "simple object exploded",
  ],
  query: [
    ...["form value", "form array", "form array exploded", "form object"],
    ...[
      "spaceDelimited array",
      "pipeDelimited array",
      "deepObject object exploded",
      "deepObject object",
    ],
  ],
  cookie: ["form value", "form array"],
};

function bodyOf(document: OpenApi, written: unknown, path: Path): OpenApiBody {
  const { value, path: at } = found(document, written, path, requestBody);
  return {
    required: value.required ?? false,
    content: Object.entries(value.content)
      .map(([type, { schema }]) => {
        const place = [...at, "content", type, "schema"];
        return {
          type: type.toLowerCase().split(";")[0]!.trim(),
          ...(schema === undefined ? {} : { schema: pointerOf(place) }),
          types: typesOf(document, schema, place),
        };
      })
      .toSorted((a, b) => wildcards(a.type) - wildcards(b.type)),
  };
}

function wildcards(type: string): number {
  return type.split("*").length;
}

function typesOf(document: OpenApi, schema: unknown, path: Path): ValueTypes {
  const parts = [...partsOf(document, schema as JsonSchema | undefined, path)];
  const own = parts.flatMap(({ type = [] }) => (Array.isArray(type) ? type : [type])) as JsonType[];
  const inside = (part: JsonSchema | undefined) =>
    [...partsOf(document, part, path)].flatMap(({ type = [] }) =>
      Array.isArray(type) ? type : [type],
    ) as JsonType[];
  return {
    own: [...new Set(own)],
    items: [...new Set(parts.flatMap(({ items }) => inside(items)))],
    properties: Object.fromEntries(
      parts.flatMap(({ properties = {} }) =>
        Object.entries(properties).map(([name, each]) => [name, inside(each)]),
      ),
    ),
  };
}

/** A schema and all that count beside it or instead of it. */
function* partsOf(
  document: OpenApi,
  schema: JsonSchema | undefined,
  path: Path,
  seen: Set<unknown> = new Set(),
): Iterable<JsonSchema> {
  if (schema === undefined || typeof schema !== "object" || seen.has(schema)) return;
  seen.add(schema);
  const { value } = resolved<JsonSchema>(document, schema, path);
  if (value !== schema) {
    if (!isFields(value) && typeof value !== "boolean")
      throw new PlaceError(path, "what it refers to is no schema");
    yield* partsOf(document, value, path, seen);
    return;
  }
  yield value;
  for (const each of [...(value.allOf ?? []), ...(value.anyOf ?? []), ...(value.oneOf ?? [])])
    yield* partsOf(document, each, path, seen);
}
