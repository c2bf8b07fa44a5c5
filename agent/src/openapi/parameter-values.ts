/** Values of parameters, read from a request in the form that a document gives them (OpenAPI, "Style Values"). */
import type { JsonType, OpenApiParameter, ValueTypes } from "@heddle/model";
import { Refusal } from "./checked-request.ts";

/** Where values are found. */
export interface ParameterSources {
  readonly path: Readonly<Record<string, string>>;
  /** Names decoded, values as they came. */
  readonly query: readonly (readonly [name: string, raw: string])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly (readonly [name: string, value: string])[];
}

/** Undefined where a request has no such parameter. Throws a `Refusal` for what cannot be read. */
export function parameterValue(parameter: OpenApiParameter, sources: ParameterSources): unknown {
  const { name, style, types } = parameter;
  const place = placeOf(parameter);
  if (style === "deepObject" && types.own.includes("object"))
    return deepObject(name, sources, types, place);
  const raws = rawValues(parameter, sources);
  const [first] = raws;
  if (first === undefined) return undefined;
  if (parameter.mediaType !== undefined)
    return jsonOf(decode(first, parameter, place), parameter, place);
  if (types.own.includes("array")) {
    const items = exploded(parameter) ? raws : split(first, parameter);
    return items.map((item) => typed(decode(item, parameter, place), types.items));
  }
  if (raws.length > 1) throw new Refusal(400, place, "must be there once");
  if (types.own.includes("object")) return flatObject(first, parameter, place);
  return typed(decode(first, parameter, place), types.own);
}

export function placeOf({ in: where, name }: OpenApiParameter): string {
  return `${where}.${name}`;
}

/** What a text stands for, of the types that it may have. */
export function typed(text: string, types: readonly JsonType[]): unknown {
  if ((types.includes("number") || types.includes("integer")) && NUMBER.test(text))
    return Number(text);
  if (types.includes("boolean") && (text === "true" || text === "false")) return text === "true";
  return text;
}

/** As JSON has numbers: other ways to write one are read by some servers, and by others in another way. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Of a form or a query, with `+` for a space. Throws a `URIError`. */
export function decodedComponent(raw: string): string {
  return decodeURIComponent(raw.replaceAll("+", " "));
}

function rawValues(
  { in: where, name }: OpenApiParameter,
  sources: ParameterSources,
): readonly string[] {
  const named = (pairs: ParameterSources["query"]) =>
    pairs.flatMap(([each, value]) => (each === name ? [value] : []));
  switch (where) {
    case "query":
      return named(sources.query);
    case "cookie":
      return named(sources.cookies);
    case "path":
      return one(sources.path[name]);
    case "header":
      return one(sources.headers[name.toLowerCase()]);
  }
}

function one(value: string | undefined): readonly string[] {
  return value === undefined ? [] : [value];
}

function exploded({ in: where, style, explode }: OpenApiParameter): boolean {
  return explode && style === "form" && where === "query";
}

function split(raw: string, { style }: OpenApiParameter): readonly string[] {
  if (raw === "") return [];
  if (style === "pipeDelimited") return raw.split(/\||%7C/i);
  if (style === "spaceDelimited") return raw.split(/%20|\+/);
  return raw.split(",");
}

function decode(raw: string, { in: where }: OpenApiParameter, place: string): string {
  if (where === "header" || where === "path") return raw.trim();
  try {
    return where === "query" ? decodedComponent(raw) : decodeURIComponent(raw);
  } catch {
    throw new Refusal(400, place, "must be percent-encoded");
  }
}

function jsonOf(text: string, { mediaType = "" }: OpenApiParameter, place: string): unknown {
  if (!/[/+]json$/i.test(mediaType)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Refusal(400, place, "must be JSON");
  }
}

/** `a,1,b,2`, or `a=1,b=2` where it is exploded. */
function flatObject(raw: string, parameter: OpenApiParameter, place: string): unknown {
  const steps = raw.split(",");
  const pairs = parameter.explode
    ? steps.map((step) => step.split("=", 2))
    : steps.flatMap((step, index) => (index % 2 === 0 ? [[step, steps[index + 1]]] : []));
  return objectOf(
    pairs.map(([name = "", value]) => {
      if (value === undefined) throw new Refusal(400, place, "must be pairs of names and values");
      return [decode(name, parameter, place), decode(value, parameter, place)];
    }),
    parameter.types,
    place,
  );
}

/** `name[a]=1&name[b]=2` */
function deepObject(
  name: string,
  { query }: ParameterSources,
  types: ValueTypes,
  place: string,
): unknown {
  const pairs = query.flatMap(([each, raw]): [string, string][] => {
    if (!each.startsWith(`${name}[`) || !each.endsWith("]")) return [];
    try {
      return [[each.slice(name.length + 1, -1), decodedComponent(raw)]];
    } catch {
      throw new Refusal(400, place, "must be percent-encoded");
    }
  });
  return pairs.length === 0 ? undefined : objectOf(pairs, types, place);
}

/** Throws a `Refusal` for a name that is there twice. */
export function objectOf(
  pairs: readonly (readonly [name: string, value: string])[],
  { properties }: Pick<ValueTypes, "properties">,
  place: string,
): Readonly<Record<string, unknown>> {
  const result = new Map<string, unknown>();
  for (const [name, value] of pairs) {
    if (result.has(name)) throw new Refusal(400, place, "must have each name once");
    result.set(name, typed(value, properties[name] ?? []));
  }
  return Object.fromEntries(result);
}
