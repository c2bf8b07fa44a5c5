/** One match of a rule as Envoy's route match, and whether the match concerns this proxy at all. */
import type {
  HeaderMatcher,
  QueryParameterMatcher,
  RouteMatch,
} from "@heddle/envoy/config/route/v3";
import { matchedClaim } from "@heddle/model";
import type { ClientMatch, HttpMatch } from "../form/rule-set.ts";
import { claimMatcher } from "./claims.ts";
import type { RuleContext } from "./rule.ts";
import { type StringMatch, stringMatcher } from "./string-match.ts";

const EVERYTHING: RouteMatch = { prefix: "/" };

/** Source labels and namespace describe mesh clients; a gateway is a client like any other. */
export function concerns(
  match: ClientMatch,
  { view, port, gateways }: Pick<RuleContext, "view" | "port" | "gateways">,
): boolean {
  if (match.port !== undefined && match.port !== port) return false;
  if (match.gateways && !match.gateways.some((name) => gateways.has(name))) return false;
  const labels = Object.entries(match.sourceLabels ?? {});
  if (!labels.every(([key, value]) => view.labels[key] === value)) return false;
  return match.sourceNamespace === undefined || match.sourceNamespace === view.namespace;
}

export function routeMatch(match: HttpMatch): RouteMatch {
  const wanted = byClaim(match.headers);
  const unwanted = byClaim(match.withoutHeaders);
  const headers = [
    ...wanted.headers.map(([name, value]) => headerMatcher(name, value)),
    ...unwanted.headers.map(([name, value]) => withoutHeader(name, value)),
    ...(match.method ? [headerMatcher(":method", match.method)] : []),
    ...(match.authority ? [headerMatcher(":authority", match.authority)] : []),
    ...(match.scheme ? [headerMatcher(":scheme", match.scheme)] : []),
  ];
  const queryParameters = Object.entries(match.queryParams ?? {})
    .toSorted(byName)
    .map(([name, value]) => queryMatcher(name, value));
  const dynamicMetadata = [
    ...wanted.claims.map(([claim, value]) => claimMatcher(claim, value)),
    ...unwanted.claims.map(([claim, value]) => ({ ...claimMatcher(claim, value), invert: true })),
  ];
  const path: RouteMatch = match.pathPrefix
    ? { pathSeparatedPrefix: match.pathPrefix }
    : isConnect(match)
      ? { connectMatcher: {} }
      : pathMatch(match.path);
  const all = [headers, queryParameters, dynamicMetadata];
  if (path === EVERYTHING && all.every(({ length }) => length === 0)) return path;
  return {
    ...path,
    ...(match.ignorePathCase && match.path?.regex === undefined ? { caseSensitive: false } : {}),
    ...(headers.length > 0 ? { headers } : {}),
    ...(queryParameters.length > 0 ? { queryParameters } : {}),
    ...(dynamicMetadata.length > 0 ? { dynamicMetadata } : {}),
  };
}

/** What asks for claims, and what asks for headers, each in the order of their names. */
function byClaim(matches: HttpMatch["headers"] = {}) {
  const headers: [name: string, match: StringMatch][] = [];
  const claims: [claim: readonly string[], match: StringMatch][] = [];
  for (const [name, match] of Object.entries(matches).toSorted(byName)) {
    const claim = matchedClaim(name);
    if (claim) claims.push([claim, match]);
    else headers.push([name, match]);
  }
  return { headers, claims };
}

/** Nothing that comes after such a route can ever be reached. */
export function matchesEverything(match: RouteMatch): boolean {
  const anyPath = match.prefix === "/" || match.safeRegex?.regex === ".*";
  const { headers, queryParameters, dynamicMetadata } = match;
  return anyPath && !headers?.length && !queryParameters?.length && !dynamicMetadata?.length;
}

/** A CONNECT request has no path, so that no match of one, not even of all paths, would see it. */
function isConnect({ method, path }: HttpMatch): boolean {
  return method?.exact === "CONNECT" && path === undefined;
}

function pathMatch(path: StringMatch | undefined): RouteMatch {
  if (path?.exact !== undefined) return { path: path.exact };
  if (path?.prefix) return { prefix: path.prefix };
  if (path?.regex !== undefined)
    return { safeRegex: { regex: path.regex === "*" ? ".*" : path.regex } };
  return EVERYTHING;
}

function headerMatcher(name: string, match: StringMatch): HeaderMatcher {
  const matcher = stringMatcher(match);
  return matcher ? { name, stringMatch: matcher } : { name, presentMatch: true };
}

/** A missing header counts as empty, so that it satisfies "not this value". */
function withoutHeader(name: string, match: StringMatch): HeaderMatcher {
  const matcher = headerMatcher(name, match);
  return {
    ...matcher,
    invertMatch: true,
    ...(matcher.stringMatch ? { treatMissingHeaderAsEmpty: true } : {}),
  };
}

function queryMatcher(name: string, match: StringMatch): QueryParameterMatcher {
  const matcher = stringMatcher(match);
  return matcher ? { name, stringMatch: matcher } : { name, presentMatch: true };
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
