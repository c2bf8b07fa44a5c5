/** What requests are hashed by, where a DestinationRule balances by consistent hash. */
import type { RouteAction_HashPolicy } from "@heddle/envoy/config/route/v3";
import { type DestinationRule, protoDuration } from "@heddle/model";
import { portOf } from "./destination.ts";
import type { ModelReader } from "../read.ts";
import type { RouteFeature } from "./rule.ts";

type TrafficPolicy = NonNullable<DestinationRule["trafficPolicy"]>;
type ConsistentHash = NonNullable<NonNullable<TrafficPolicy["loadBalancer"]>["consistentHash"]>;

export const hashPolicy: RouteFeature = {
  name: "hash policy",
  apply(route, rule, context) {
    if (rule.redirect || rule.directResponse) return route;
    const policies = rule.destinations.flatMap((destination) =>
      hashPoliciesOf(
        context.read,
        context.view.namespace,
        destination.host,
        portOf(destination, context),
        destination.subset,
      ),
    );
    if (policies.length === 0) return route;
    return { ...route, route: { ...route.route, hashPolicy: unique(policies) } };
  },
};

/** The most specific wins: the subset's port, the subset, the port, the rule. */
export function hashPoliciesOf(
  read: ModelReader,
  clientNamespace: string,
  host: string,
  port: number,
  subset: string | undefined,
): readonly RouteAction_HashPolicy[] {
  const rule = read.destinationRule(host, clientNamespace)?.spec;
  if (!rule) return [];
  const chosen = subset ? rule.subsets?.find(({ name }) => name === subset) : undefined;
  const hash =
    portHash(chosen?.trafficPolicy, port) ??
    chosen?.trafficPolicy?.loadBalancer?.consistentHash ??
    portHash(rule.trafficPolicy, port) ??
    rule.trafficPolicy?.loadBalancer?.consistentHash;
  const policy = hash && policyOf(hash);
  return policy ? [policy] : [];
}

function portHash(policy: TrafficPolicy | undefined, port: number): ConsistentHash | undefined {
  return policy?.portLevelSettings?.find((setting) => setting.port?.number === port)?.loadBalancer
    ?.consistentHash;
}

function policyOf(hash: ConsistentHash): RouteAction_HashPolicy | undefined {
  if (hash.httpHeaderName) return { header: { headerName: hash.httpHeaderName } };
  if (hash.httpCookie) {
    const { name, path, ttl } = hash.httpCookie;
    return {
      cookie: { name, ...(path ? { path } : {}), ...(ttl ? { ttl: protoDuration(ttl) } : {}) },
    };
  }
  if (hash.useSourceIp) return { connectionProperties: { sourceIp: true } };
  if (hash.httpQueryParameterName) return { queryParameter: { name: hash.httpQueryParameterName } };
  return undefined;
}

function unique(policies: readonly RouteAction_HashPolicy[]): readonly RouteAction_HashPolicy[] {
  const seen = new Map(policies.map((policy) => [JSON.stringify(policy), policy]));
  return [...seen.values()];
}
