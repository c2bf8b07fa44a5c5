/** Rules of routes that their schemas cannot say: matches, filters that need others, durations, sessions. */
import { durationOf } from "../../duration.ts";
import type { GRPCMethodMatch, GRPCRoute } from "../../kinds/gateway-api/grpc-route.ts";
import type {
  HTTPPathMatch,
  HTTPRoute,
  HTTPRouteFilter,
  HTTPRouteRule,
  SessionPersistence,
  ValueMatch,
} from "../../kinds/gateway-api/http-route.ts";
import type { StreamRoute, TLSRoute } from "../../kinds/gateway-api/stream-route.ts";
import { isIpAddress } from "../names.ts";
import { regexError } from "../re2.ts";
import type { Report } from "../report.ts";
import { checkFilters } from "./filters.ts";
import { checkParents } from "./parents.ts";

/** The CRDs' limit for all rules of a route together. */
const MAX_MATCHES = 128;
const PATH = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$/;
const GRPC_SERVICE = /^\.?[a-z_][a-z_0-9]*(?:\.[a-z_][a-z_0-9]*)*$/i;
const GRPC_METHOD = /^[A-Za-z_][A-Za-z_0-9]*$/;

export function checkKubernetesHttpRoute(
  { parentRefs, rules = [] }: HTTPRoute,
  report: Report,
): void {
  checkParents(parentRefs ?? [], report);
  checkRules(rules, report);
  for (const [index, rule] of rules.entries()) {
    const path = `spec.rules[${index}]`;
    for (const [at, match] of (rule.matches ?? []).entries()) {
      const here = `${path}.matches[${at}]`;
      if (match.path) checkPath(match.path, `${here}.path`, report);
      checkValues(match.headers ?? [], `${here}.headers`, report, (name) => name.toLowerCase());
      checkValues(match.queryParams ?? [], `${here}.queryParams`, report, (name) => name);
    }
    checkRuleFilters(rule, path, report);
    checkTimeouts(rule, path, report);
  }
}

export function checkGrpcRoute({ parentRefs, rules = [] }: GRPCRoute, report: Report): void {
  checkParents(parentRefs ?? [], report);
  checkRules(rules, report);
  for (const [index, rule] of rules.entries()) {
    const path = `spec.rules[${index}]`;
    for (const [at, match] of (rule.matches ?? []).entries()) {
      const here = `${path}.matches[${at}]`;
      if (match.method) checkGrpcMethod(match.method, `${here}.method`, report);
      checkValues(match.headers ?? [], `${here}.headers`, report, (name) => name.toLowerCase());
    }
    checkFilters(rule.filters ?? [], `${path}.filters`, report);
    for (const [at, { filters }] of (rule.backendRefs ?? []).entries()) {
      checkFilters(filters ?? [], `${path}.backendRefs[${at}].filters`, report);
    }
  }
}

/** Since v1 there is one rule with at least one backend, and at least one name; before, there were more of each. */
export function checkTlsRoute(route: TLSRoute, version: string, report: Report): void {
  const { hostnames = [] } = route;
  if (hostnames.length === 0 && version === "v1") {
    report({
      code: "HDL0023",
      path: "spec.hostnames",
      message: "a TLSRoute has no hostnames",
      remedy: "Name the server names that it is for.",
    });
  }
  for (const [index, name] of hostnames.entries()) {
    if (isIpAddress(name)) {
      const path = `spec.hostnames[${index}]`;
      report({ code: "HDL0020", path, message: `"${name}" is an address, not a host name` });
    }
  }
  checkStreamRoute(route, version, report);
}

export function checkStreamRoute(
  { parentRefs, rules }: StreamRoute,
  version: string,
  report: Report,
): void {
  checkParents(parentRefs ?? [], report);
  checkRules(rules, report);
  if (version !== "v1") return;
  if (rules.length > 1) {
    report({
      code: "HDL0014",
      path: "spec.rules",
      message: "rules has more than one entry, and nothing would tell them apart",
      remedy: "Join their backendRefs, or make a route of each.",
    });
  }
  for (const [index, { backendRefs = [] }] of rules.entries()) {
    if (backendRefs.length > 0) continue;
    report({
      code: "HDL0023",
      path: `spec.rules[${index}].backendRefs`,
      message: "a rule has no backendRefs",
    });
  }
}

function checkRules(
  rules: readonly {
    readonly name?: string;
    readonly matches?: readonly unknown[];
    readonly sessionPersistence?: SessionPersistence;
  }[],
  report: Report,
): void {
  const names = new Set<string>();
  let matches = 0;
  for (const [index, { name, matches: some = [], sessionPersistence }] of rules.entries()) {
    const path = `spec.rules[${index}]`;
    matches += some.length;
    if (name !== undefined && names.has(name)) {
      report({
        code: "HDL0029",
        path: `${path}.name`,
        message: `rule name ${name} stands twice`,
        remedy: "Give each rule a name of its own.",
      });
    }
    if (name !== undefined) names.add(name);
    if (sessionPersistence) {
      checkSession(sessionPersistence, `${path}.sessionPersistence`, report);
    }
  }
  if (matches > MAX_MATCHES) {
    report({
      code: "HDL0014",
      path: "spec.rules",
      message: `the rules have ${matches} matches together (${MAX_MATCHES} at most)`,
      remedy: "Make several routes of it.",
    });
  }
}

/** For the types that are read as a path; a regular expression is only asked to be one. */
function checkPath(
  { type = "PathPrefix", value = "/" }: HTTPPathMatch,
  path: string,
  report: Report,
): void {
  const at = `${path}.value`;
  if (type === "RegularExpression") return checkRegex(value, at, report);
  const wrong = (message: string) =>
    report({ code: "HDL0028", path: at, message: `path "${value}" ${message}` });
  if (!value.startsWith("/")) return wrong("does not begin with /");
  const bad = ["//", "/./", "/../", "%2f", "%2F", "#"].find((part) => value.includes(part));
  if (bad !== undefined) return wrong(`has ${bad} in it`);
  const end = ["/..", "/."].find((part) => value.endsWith(part));
  if (end !== undefined) return wrong(`ends with ${end}`);
  if (!PATH.test(value)) wrong("has characters that a path cannot have");
}

function checkValues(
  matches: readonly ValueMatch[],
  path: string,
  report: Report,
  keyOf: (name: string) => string,
): void {
  const names = new Set<string>();
  for (const [index, { name, type, value }] of matches.entries()) {
    const key = keyOf(name);
    if (names.has(key)) {
      report({
        code: "HDL0029",
        path: `${path}[${index}].name`,
        message: `${name} stands twice`,
        remedy: "Only the first would count: join them into one regular expression.",
      });
    }
    names.add(key);
    if (type === "RegularExpression") checkRegex(value, `${path}[${index}].value`, report);
  }
}

function checkRegex(value: string, path: string, report: Report): void {
  const error = regexError(value);
  if (error !== undefined) report({ code: "HDL0021", path, message: error });
}

function checkGrpcMethod(match: GRPCMethodMatch, path: string, report: Report): void {
  const { type = "Exact", service, method } = match;
  if (match.type !== undefined && service === undefined && method === undefined) {
    report({
      code: "HDL0023",
      path,
      message: "a match of a method names neither service nor method",
      remedy: "Add service, method or both; leave method out to match every call.",
    });
  }
  for (const [field, value, form] of [
    ["service", service, GRPC_SERVICE],
    ["method", method, GRPC_METHOD],
  ] as const) {
    if (value === undefined) continue;
    const at = `${path}.${field}`;
    if (type === "RegularExpression") checkRegex(value, at, report);
    else if (!form.test(value)) {
      report({ code: "HDL0028", path: at, message: `"${value}" is no name of a ${field}` });
    }
  }
}

function checkRuleFilters(rule: HTTPRouteRule, path: string, report: Report): void {
  const { filters = [], backendRefs = [], matches } = rule;
  checkFilters(filters, `${path}.filters`, report);
  if (backendRefs.length > 0 && filters.some(({ type }) => type === "RequestRedirect")) {
    report({
      code: "HDL0022",
      path: `${path}.filters`,
      message: "a rule that redirects cannot have backendRefs",
      remedy: "Keep one of the two.",
    });
  }
  const onePrefix =
    matches === undefined ||
    (matches.length === 1 && (matches[0]?.path?.type ?? "PathPrefix") === "PathPrefix");
  const sets: [readonly HTTPRouteFilter[], string][] = [[filters, `${path}.filters`]];
  for (const [index, { filters: own = [] }] of backendRefs.entries()) {
    const at = `${path}.backendRefs[${index}].filters`;
    checkFilters(own, at, report);
    sets.push([own, at]);
  }
  for (const [some, at] of sets) {
    for (const [index, { requestRedirect, urlRewrite }] of some.entries()) {
      const modifier = (requestRedirect ?? urlRewrite)?.path;
      if (modifier?.type !== "ReplacePrefixMatch" || onePrefix) continue;
      report({
        code: "HDL0022",
        path: `${at}[${index}]`,
        message: "replacePrefixMatch needs a rule with exactly one match, of type PathPrefix",
        remedy: "Make a rule of each match.",
      });
    }
  }
}

function checkTimeouts({ timeouts }: HTTPRouteRule, path: string, report: Report): void {
  if (!timeouts?.request || !timeouts.backendRequest) return;
  const request = durationOf(timeouts.request) ?? 0;
  const attempt = durationOf(timeouts.backendRequest) ?? 0;
  if (request === 0 || attempt <= request) return;
  report({
    code: "HDL0014",
    path: `${path}.timeouts.backendRequest`,
    message: `backendRequest ${timeouts.backendRequest} is longer than request ${timeouts.request}`,
    remedy: "An attempt cannot outlast the request: make it shorter.",
  });
}

function checkSession(session: SessionPersistence, path: string, report: Report): void {
  const { type, cookie, header, absoluteTimeout } = session;
  const kind = type ?? "Cookie";
  if (cookie && kind !== "Cookie") {
    report({
      code: "HDL0022",
      path: `${path}.cookie`,
      message: `cookie does not belong to type ${kind}`,
    });
  }
  if (header && kind !== "Header") {
    report({
      code: "HDL0022",
      path: `${path}.header`,
      message: `header does not belong to type ${kind}`,
    });
  }
  if (type === "Cookie" && !cookie) {
    report({ code: "HDL0012", path: `${path}.cookie`, message: "type Cookie needs cookie" });
  }
  if (kind === "Header" && !header) {
    report({ code: "HDL0012", path: `${path}.header`, message: "type Header needs header" });
  }
  if (cookie?.lifetimeType === "Permanent" && absoluteTimeout === undefined) {
    report({
      code: "HDL0012",
      path: `${path}.absoluteTimeout`,
      message: "a permanent cookie needs absoluteTimeout",
      remedy: "Add absoluteTimeout, or make the cookie a Session one.",
    });
  }
  if (absoluteTimeout !== undefined && cookie?.lifetimeType !== "Permanent") {
    report({
      code: "HDL0032",
      path: `${path}.absoluteTimeout`,
      message: "absoluteTimeout ends the session of a Permanent cookie alone",
      remedy: "Make it a cookie with lifetimeType Permanent, or leave absoluteTimeout out.",
    });
  }
}
