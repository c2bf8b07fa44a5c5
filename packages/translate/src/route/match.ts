/** One match of a rule as Envoy's route match, and whether the match concerns this proxy at all. */
import type {
  HeaderMatcher,
  QueryParameterMatcher,
  RouteMatch,
} from "@heddle/envoy/config/route/v3";
import { gatewayReference } from "@heddle/model";
import type { HttpMatch, RuleContext } from "./rule.ts";
import { type StringMatch, stringMatcher } from "./string-match.ts";

const EVERYTHING: RouteMatch = { prefix: "/" };

/**
 * Port, gateways, source labels and source namespace are decided here, not in Envoy: a match that names gateways leaves
 * source labels aside, as in Istio.
 */
export function concerns(
  match: HttpMatch | undefined,
  { view, port, gateways, virtualService }: RuleContext,
): boolean {
  if (!match) return true;
  if (match.port && match.port !== port) return false;
  if (match.gateways && match.gateways.length > 0) {
    return match.gateways.some((name) =>
      gateways.has(gatewayReference(name, virtualService.metadata.namespace)),
    );
  }
  // Source labels and namespace describe mesh clients; a gateway is a client like any other.
  const labels = Object.entries(match.sourceLabels ?? {});
  if (!labels.every(([key, value]) => view.labels[key] === value)) return false;
  return !match.sourceNamespace || match.sourceNamespace === view.namespace;
}

export function routeMatch(match: HttpMatch | undefined): RouteMatch {
  if (!match) return EVERYTHING;
  const headers = [
    ...Object.entries(match.headers ?? {})
      .toSorted(byName)
      .map(([name, value]) => headerMatcher(name, value)),
    ...Object.entries(match.withoutHeaders ?? {})
      .toSorted(byName)
      .map(([name, value]) => withoutHeader(name, value)),
    ...(match.method ? [headerMatcher(":method", match.method)] : []),
    ...(match.authority ? [headerMatcher(":authority", match.authority)] : []),
    ...(match.scheme ? [headerMatcher(":scheme", match.scheme)] : []),
  ];
  const queryParameters = Object.entries(match.queryParams ?? {})
    .toSorted(byName)
    .map(([name, value]) => queryMatcher(name, value));
  return {
    ...pathMatch(match.uri),
    ...(match.ignoreUriCase && match.uri?.regex === undefined ? { caseSensitive: false } : {}),
    ...(headers.length > 0 ? { headers } : {}),
    ...(queryParameters.length > 0 ? { queryParameters } : {}),
  };
}

/** Nothing that comes after such a route can ever be reached. */
export function matchesEverything(match: RouteMatch): boolean {
  const anyPath = match.prefix === "/" || match.safeRegex?.regex === ".*";
  return anyPath && !match.headers?.length && !match.queryParameters?.length;
}

function pathMatch(uri: StringMatch | undefined): RouteMatch {
  if (uri?.exact !== undefined) return { path: uri.exact };
  if (uri?.prefix) return { prefix: uri.prefix };
  if (uri?.regex !== undefined)
    return { safeRegex: { regex: uri.regex === "*" ? ".*" : uri.regex } };
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
