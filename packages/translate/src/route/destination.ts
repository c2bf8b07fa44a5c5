/** Where a rule sends requests: one cluster, or several by weight, each with its own header operations. */
import type {
  RouteAction,
  RouteAction_ClusterNotFoundResponseCode,
  WeightedCluster_ClusterWeight,
} from "@heddle/envoy/config/route/v3";
import type { Destination, HttpDestination } from "../form/rule-set.ts";
import { servedHost } from "../form/served-host.ts";
import { outboundCluster, UNRESOLVED_CLUSTER } from "../names.ts";
import { authorityOf, headerOperations, joinOperations } from "./header-operations.ts";
import type { RouteFeature, RuleContext } from "./rule.ts";

export const destinations: RouteFeature = {
  name: "destinations",
  apply(route, rule, context) {
    if (rule.redirect || rule.directResponse) return route;
    // A weight of 0 beside others takes no traffic; Envoy would only carry it along.
    const all = rule.destinations;
    const lost = rule.unresolved;
    const several = all.length > 1 || lost !== undefined;
    const chosen = several ? all.filter(({ weight }) => weight > 0) : all;
    const [only] = chosen;
    if (!only) return route;
    const authority = rule.rewrite?.authority ?? authorityOf(rule.headers);
    if (chosen.length > 1 || lost) {
      const action: RouteAction = {
        ...route.route,
        weightedClusters: {
          clusters: [
            ...chosen.map((destination) => weighted(destination, authority, context)),
            ...(lost ? [{ name: UNRESOLVED_CLUSTER, weight: lost.weight }] : []),
          ],
        },
        ...(lost ? { clusterNotFoundResponseCode: NOT_FOUND_CODES[lost.status] } : {}),
        ...(authority ? { hostRewriteLiteral: authority } : {}),
      };
      return { ...route, route: action };
    }
    const rewritten = authority ?? authorityOf(only.headers);
    return {
      ...route,
      ...(only.headers ? joinOperations(route as object, headerOperations(only.headers)) : {}),
      route: {
        ...route.route,
        cluster: clusterOf(only, context),
        ...(rewritten ? { hostRewriteLiteral: rewritten } : {}),
      },
    };
  },
};

/** What Envoy answers where a cluster of that name is not there. */
const NOT_FOUND_CODES: Readonly<Record<404 | 500 | 503, RouteAction_ClusterNotFoundResponseCode>> =
  {
    404: "NOT_FOUND",
    500: "INTERNAL_SERVER_ERROR",
    503: "SERVICE_UNAVAILABLE",
  };

/** Without a port in the destination: the service's only port, else the port that the client addressed. */
export function clusterOf(
  destination: Destination,
  context: Pick<RuleContext, "read" | "view" | "port">,
): string {
  const host = servedHost(context.read, destination.host, context.view.namespace);
  const named = { ...destination, host };
  return outboundCluster(named.host, portOf(named, context), destination.subset);
}

export function portOf(
  { host, port: named }: Destination,
  { read, view, port }: Pick<RuleContext, "read" | "view" | "port">,
): number {
  if (named !== undefined) return named;
  const ports = read.service(host, view.namespace)?.ports ?? [];
  return ports.length === 1 && ports[0] ? ports[0].port : port;
}

function weighted(
  destination: HttpDestination,
  ruleAuthority: string | undefined,
  context: RuleContext,
): WeightedCluster_ClusterWeight {
  const authority = ruleAuthority ? undefined : authorityOf(destination.headers);
  return {
    name: clusterOf(destination, context),
    weight: destination.weight,
    ...(destination.headers ? headerOperations(destination.headers) : {}),
    ...(authority ? { hostRewriteLiteral: authority } : {}),
  };
}
