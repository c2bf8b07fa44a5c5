/** What a request is checked for by its headers: limits, then what the first rule that matches asks for. */
import type { Action } from "@heddle/envoy/config/rbac/v3";
import type { Matcher } from "@heddle/envoy/xds/type/matcher/v3";
import type { MeshObject, RequestValidation, ValidationMatch, ValidationRule } from "@heddle/model";
import { extension } from "../typed-config.ts";
import {
  asNumber,
  type Expression,
  hasHeader,
  isEqual,
  isMore,
  minus,
  number,
  request,
  ROUTE_NAME,
  size,
  string,
  sum,
} from "./cel.ts";
import {
  allOf,
  anyOf,
  type Case,
  filterState,
  firstOf,
  header,
  holds,
  not,
  type OnMatch,
  type Predicate,
} from "./matcher.ts";
import { type Refusal, refusalOf } from "./refusal.ts";

type Validation = MeshObject<RequestValidation>;

/** The path without its query, as a filter has put it aside: attackers choose the query, so no rule may match by it. */
export const PATH_STATE = "heddle.request_path";

/** Bodies that an agent checks are no larger than this, in bytes, unless a smaller number is given. */
export const MOST_CHECKED = 1024 * 1024;

/** `:authority`, `:method`, `:path` and `:scheme`: there in every request, whatever its protocol. */
const PSEUDO_HEADERS = 4;
/** What proxies on the way add, so that no caller can know how many they are. */
const OF_PROXIES = [
  "x-request-id",
  ...["x-forwarded-for", "x-forwarded-proto", "x-forwarded-client-cert"],
  ...["x-envoy-attempt-count", "x-envoy-decorator-operation", "x-envoy-expected-rq-timeout-ms"],
  ...["x-envoy-external-address", "x-envoy-internal", "x-envoy-original-path"],
  ...["traceparent", "tracestate", "b3"],
  ...["x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled"],
];
/** A codec takes so many more than a limit says, so that a proxy may add them. */
export const ADDED_BY_PROXIES = OF_PROXIES.length;

/** Of these a body is to be expected where a request says nothing of it; 0 bytes are said by `content-length`. */
const WITH_BODY = ["POST", "PUT", "PATCH"] as const;

export interface Checks {
  /** Every way to be refused, in the order of the tree. */
  readonly refusals: readonly Refusal[];
  /** Lets in or refuses, by the refusal's name. */
  readonly tree: Matcher;
}

export function checksOf(validation: Validation): Checks {
  const refusals: Refusal[] = [];
  const refuse = (refusal: Refusal): OnMatch => {
    if (!refusals.some(({ name }) => name === refusal.name)) refusals.push(refusal);
    return judged(refusal.name, "DENY");
  };
  const ofAll = limitCases(validation).map(([when, refusal]): Case => [when, refuse(refusal)]);
  const ofRules = rulesOf(validation).map((rule): Case => {
    const cases = ruleCases(validation, rule).map(([when, refusal]): Case => [
      when,
      refuse(refusal),
    ]);
    return [rule.when, cases.length > 0 ? { matcher: firstOf(cases, LET_IN) } : LET_IN];
  });
  const rest = bodyCase(validation).map(([when, refusal]): Case => [when, refuse(refusal)]);
  return { refusals, tree: firstOf([...ofAll, ...ofRules, ...rest], LET_IN) };
}

/** A body that is too large by what a request, or one that a rule matches, may have; undefined where there is no limit. */
export function bodyLimit(
  validation: Validation,
  rule?: NamedRule,
): { readonly bytes: number; readonly refusal: Refusal } | undefined {
  const { limits, openapi } = validation.spec;
  const limited = (bytes: number | undefined, place: string) =>
    bytes === undefined ? [] : [{ bytes, refusal: refusalOf(validation, place, 413) }];
  const own = limited(rule?.spec.maxBodyBytes, `${rule?.place}.maxBodyBytes`);
  const all = own.length > 0 ? own : limited(limits?.bodyBytes, "limits.bodyBytes");
  const checked = openapi
    ? limited(openapi.maxBodyBytes ?? MOST_CHECKED, "openapi.maxBodyBytes")
    : [];
  return [...all, ...checked].toSorted((a, b) => a.bytes - b.bytes)[0];
}

export interface NamedRule {
  /** `rules[name]`. */
  readonly place: string;
  readonly spec: ValidationRule;
  readonly when: Predicate;
}

export function rulesOf({ spec }: Validation): readonly NamedRule[] {
  return (spec.rules ?? []).map((rule, index) => ({
    place: `rules[${rule.name ?? index}]`,
    spec: rule,
    when: matched(rule.match ?? {}),
  }));
}

/** Whether a path is asked for, which has to be put aside first. */
export function readsPath({ spec }: Validation): boolean {
  return (
    spec.paths?.escapedSlashes === "REFUSE" ||
    (spec.rules ?? []).some(({ match }) => match?.path !== undefined)
  );
}

export function says(name: string): Predicate {
  return holds(hasHeader(name));
}

type Refused = readonly [when: Predicate, refusal: Refusal];

function limitCases(validation: Validation): readonly Refused[] {
  const { paths, limits = {} } = validation.spec;
  const { urlBytes, headers, headerBytes } = limits;
  const refused = (
    most: number | undefined,
    what: Expression,
    field: string,
    status: 414 | 431,
  ): readonly Refused[] =>
    most === undefined
      ? []
      : [[holds(isMore(most, what)), refusalOf(validation, `limits.${field}`, status)]];
  const escaped = filterState(PATH_STATE, { regex: "(?i).*%(?:2f|5c).*" });
  return [
    ...refused(urlBytes, size(request("path")), "urlBytes", 414),
    ...refused(headers, ownHeaders(), "headers", 431),
    ...refused(headerBytes, request("total_size"), "headerBytes", 431),
    ...(paths?.escapedSlashes === "REFUSE" && escaped
      ? [[escaped, refusalOf(validation, "paths.escapedSlashes", 400)] as const]
      : []),
  ];
}

/** The request's headers without those that proxies add. */
function ownHeaders(): Expression {
  const added = OF_PROXIES.map((name) => asNumber(hasHeader(name)));
  return minus(size(request("headers")), sum(number(PSEUDO_HEADERS), ...added));
}

function ruleCases(validation: Validation, rule: NamedRule): readonly Refused[] {
  const { methods, contentTypes } = rule.spec;
  return [
    ...(methods ? [otherMethod(validation, rule.place, methods)] : []),
    ...(contentTypes ? [otherType(validation, rule.place, contentTypes)] : []),
    ...bodyCase(validation, rule),
  ];
}

function otherMethod(validation: Validation, place: string, methods: readonly string[]): Refused {
  const regex = methods.map(quoted).join("|");
  const taken = header(":method", { regex }) as Predicate;
  return [not(taken), refusalOf(validation, `${place}.methods`, 405, methods)];
}

/** A body of another type, or one that may be there and has none. */
function otherType(validation: Validation, place: string, types: readonly string[]): Refused {
  const ranges = types.map((type) => quoted(type).replace(/\/\\\*$/, "/[^;,\\s]+"));
  const taken = header("content-type", {
    regex: `(?i)\\s*(?:${ranges.join("|")})\\s*(?:;.*)?`,
  }) as Predicate;
  const expected = header(":method", { regex: WITH_BODY.join("|") }) as Predicate;
  const length = says("content-length");
  const body = anyOf([
    says("content-type"),
    allOf([length, holds(isMore(0, request("size")))]),
    allOf([not(length), expected]),
  ]);
  return [allOf([body, not(taken)]), refusalOf(validation, `${place}.contentTypes`, 415)];
}

/** A body that says itself that it is too large. */
function bodyCase(validation: Validation, rule?: NamedRule): readonly Refused[] {
  const limit = bodyLimit(validation, rule);
  if (limit === undefined) return [];
  const { bytes, refusal } = limit;
  return [[allOf([says("content-length"), holds(isMore(bytes, request("size")))]), refusal]];
}

function matched({ path, method, route }: ValidationMatch): Predicate {
  const [first, ...rest] = [
    path && filterState(PATH_STATE, path),
    method && header(":method", method),
    route === undefined ? undefined : holds(isEqual(ROUTE_NAME, string(route))),
  ].filter((each) => each !== undefined);
  return first ? allOf([first, ...rest]) : EVERY_REQUEST;
}

/** There is no predicate without an input; every request has a method. */
const EVERY_REQUEST = says(":method");

/** Logs have `-` where there is nothing to say. */
const LET_IN = judged("-", "ALLOW");

function judged(name: string, action: "ALLOW" | "DENY"): OnMatch {
  return { action: extension<Action>(name, "envoy.config.rbac.v3.Action", { name, action }) };
}

function quoted(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
