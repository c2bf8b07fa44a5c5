/** HTTP rules as Envoy routes, for one place where they apply. */
import type { Route } from "@heddle/envoy/config/route/v3";
import type { HttpMatch, HttpRule } from "../form/rule-set.ts";
import { METADATA_NAMESPACE } from "../telemetry/peer.ts";
import { ROUTE_FEATURES } from "./features.ts";
import { concerns, matchesEverything, routeMatch } from "./match.ts";
import type { RuleContext } from "./rule.ts";

/** In the order of the rules, one route for each match; ends at the first route that takes every request. */
export function routesOf(context: RuleContext): readonly Route[] {
  const routes: Route[] = [];
  for (const rule of context.rules.http) {
    for (const match of rule.matches) {
      if (!concerns(match.client, context)) continue;
      const route = routeOf(rule, match, context);
      routes.push(route);
      if (route.match && matchesEverything(route.match)) return routes;
    }
  }
  return routes;
}

function routeOf(rule: HttpRule, match: HttpMatch, context: RuleContext): Route {
  const name = [rule.name, match.name].filter(Boolean).join(".");
  const { kind, namespace, name: origin } = rule.origin ?? context.rules.origin;
  const initial: Route = {
    ...(name ? { name } : {}),
    match: routeMatch(match),
    ...(match.statPrefix ? { statPrefix: match.statPrefix } : {}),
    // Leads from a route back to the object that made it, in dumps and in what Envoy refuses.
    metadata: {
      filterMetadata: { [METADATA_NAMESPACE]: { config: `${kind} ${namespace}/${origin}` } },
    },
  };
  const route = ROUTE_FEATURES.reduce(
    (made, feature) => feature.apply(made, rule, context),
    initial,
  );
  return { ...route, decorator: { operation: operationOf(route, origin, context.port) } };
}

/** What a span is called: `host:port/path*`, or the name of the rules' object where requests go to several hosts. */
function operationOf(route: Route, origin: string, port: number): string {
  const match = route.match;
  const path =
    match?.path ??
    match?.safeRegex?.regex ??
    match?.pathSeparatedPrefix ??
    `${match?.prefix ?? "/"}*`;
  const [, clusterPort, , host] = route.route?.cluster?.split("|") ?? [];
  return host ? `${host}:${clusterPort}${path}` : `${origin}:${port}${path}`;
}
