/** Checks requests against one OpenAPI document: path, method, parameters, type of content, body. */
import { type OpenApiOperation, type OpenApiParameter, readOpenApi } from "@heddle/model";
import { type CheckedRequest, Refusal, type Refused } from "./checked-request.ts";
import { type SchemaCheck, schemaChecks, type WrongValue } from "./json-schemas.ts";
import {
  decodedComponent,
  objectOf,
  parameterValue,
  type ParameterSources,
  placeOf,
} from "./parameter-values.ts";
import { pathFinder } from "./path-templates.ts";

export type RequestCheck = (request: CheckedRequest) => Refused | undefined;

/** Characters of a place: names in a body are the caller's. */
const MOST_OF_PLACE = 200;

/** Throws where the document cannot be read, or a schema not be compiled. */
export function requestCheck(text: string): RequestCheck {
  const { document, problems } = readOpenApi(text);
  if (document === undefined)
    throw new Error(problems[0] ? `line ${problems[0].line}: ${problems[0].message}` : "unread");
  const compile = schemaChecks(document);
  const find = pathFinder(document.operations);
  const checks = new Map(
    document.operations.map((operation) => [operation, operationCheck(operation, compile)]),
  );
  return (request) => {
    let operation = `${request.method} *`;
    try {
      const [path, query] = splitOnce(request.path, "?");
      const found = find(stepsOf(path));
      if (found === undefined) throw new Refusal(404, "path", "must be described");
      const described = methodOf(found.operations, request.method);
      if (described === undefined) {
        const allow = found.operations.map(({ method }) => method);
        operation = `${request.method} ${found.template}`;
        throw new Refusal(405, "method", "must be described", allow);
      }
      operation = `${described.method} ${described.path}`;
      checks.get(described)!(request, {
        path: found.values,
        query: pairsOf(query, "query"),
        headers: request.headers,
        cookies: cookiesOf(request.headers["cookie"] ?? ""),
      });
      return undefined;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, place, message, allow } = error;
      return {
        ...{ status, operation, reason: message },
        // Printable, so that nobody writes lines of a log by it.
        place: place.replaceAll(/[^\x21-\x7e]/g, "?").slice(0, MOST_OF_PLACE),
        ...(allow ? { allow } : {}),
      };
    }
  };
}

/** What is described for GET is for HEAD too (RFC 9110, section 9.3.2). */
function methodOf(
  operations: readonly OpenApiOperation[],
  method: string,
): OpenApiOperation | undefined {
  const of = (wanted: string) => operations.find((each) => each.method === wanted);
  return of(method) ?? (method === "HEAD" ? of("GET") : undefined);
}

function operationCheck(
  operation: OpenApiOperation,
  compile: (pointer: string) => SchemaCheck,
): (request: CheckedRequest, sources: ParameterSources) => void {
  const parameters = operation.parameters.map((each) => parameterCheck(each, compile));
  const body = bodyCheck(operation, compile);
  return (request, sources) => {
    for (const check of parameters) check(sources);
    body(request);
  };
}

function parameterCheck(
  parameter: OpenApiParameter,
  compile: (pointer: string) => SchemaCheck,
): (sources: ParameterSources) => void {
  const check = parameter.schema === undefined ? undefined : compile(parameter.schema);
  const place = placeOf(parameter);
  return (sources) => {
    const value = parameterValue(parameter, sources);
    if (value === undefined) {
      if (parameter.required) throw new Refusal(400, place, "must be there");
      return;
    }
    refuseWrong(place, check?.(value));
  };
}

function bodyCheck(
  { body }: OpenApiOperation,
  compile: (pointer: string) => SchemaCheck,
): (request: CheckedRequest) => void {
  const kinds = (body?.content ?? []).map(({ type, schema, types }) => ({
    type,
    types,
    check: schema === undefined ? undefined : compile(schema),
  }));
  return ({ headers, body: bytes, partial }) => {
    if (bytes.length === 0) {
      if (body?.required) throw new Refusal(400, "body", "must be there");
      return;
    }
    if (body === undefined) throw new Refusal(400, "body", "must not be there");
    const [said = ""] = (headers["content-type"] ?? "").toLowerCase().split(";");
    const type = said.trim();
    const kind = kinds.find((each) => isOfRange(type, each.type));
    if (kind === undefined) throw new Refusal(415, "header.content-type", "must be described");
    if (kind.check === undefined) return;
    const isJson = /[/+]json$/.test(type);
    if (!isJson && type !== FORM) return;
    if ((headers["content-encoding"] ?? "identity") !== "identity")
      throw new Refusal(415, "header.content-encoding", "must not be there: it cannot be checked");
    if (partial) throw new Refusal(413, "body", "must not be larger than what is checked");
    const text = textOf(bytes);
    const value = isJson ? json(text) : objectOf(formOf(text), kind.types, "body");
    refuseWrong("body", kind.check(value));
  };
}

const FORM = "application/x-www-form-urlencoded";

function isOfRange(type: string, range: string): boolean {
  if (range === "*/*") return type !== "";
  return range.endsWith("/*") ? type.startsWith(range.slice(0, -1)) : type === range;
}

function refuseWrong(place: string, wrong: WrongValue | undefined): void {
  if (wrong) throw new Refusal(400, place + wrong.pointer, wrong.reason);
}

/** Steps of a path, decoded. */
function stepsOf(path: string): readonly string[] {
  try {
    return path.split("/").map(decodeURIComponent);
  } catch {
    throw new Refusal(400, "path", "must be percent-encoded");
  }
}

function pairsOf(text: string, place: string): readonly (readonly [string, string])[] {
  if (text === "") return [];
  return text.split("&").map((pair) => {
    const [name, value] = splitOnce(pair, "=");
    try {
      return [decodedComponent(name), value] as const;
    } catch {
      throw new Refusal(400, place, "must be percent-encoded");
    }
  });
}

function formOf(text: string): readonly (readonly [string, string])[] {
  return pairsOf(text, "body").map(([name, raw]) => {
    try {
      return [name, decodedComponent(raw)] as const;
    } catch {
      throw new Refusal(400, "body", "must be percent-encoded");
    }
  });
}

function cookiesOf(header: string): readonly (readonly [string, string])[] {
  return header.split(";").flatMap((pair) => {
    const [name, value] = splitOnce(pair.trim(), "=");
    return name === "" ? [] : [[name, value] as const];
  });
}

/** The second part is empty where there is none. */
function splitOnce(text: string, by: string): readonly [string, string] {
  const at = text.indexOf(by);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + by.length)];
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal(400, "body", "must be UTF-8");
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Refusal(400, "body", "must be JSON");
  }
}
