/** What requests are hashed by, where a DestinationRule balances by consistent hash. */
import type { RouteAction_HashPolicy } from "@heddle/envoy/config/route/v3";
import { type ConsistentHash, protoDuration } from "@heddle/model";
import { policyFor } from "../cluster/policy.ts";
import { portOf } from "./destination.ts";
import type { ClientView, ModelReader } from "../read.ts";
import type { RouteFeature } from "./rule.ts";

export const hashPolicy: RouteFeature = {
  name: "hash policy",
  apply(route, rule, context) {
    if (rule.redirect || rule.directResponse) return route;
    const policies = rule.destinations.flatMap((destination) =>
      hashPoliciesOf(
        context.read,
        context.view,
        destination.host,
        portOf(destination, context),
        destination.subset,
      ),
    );
    if (policies.length === 0) return route;
    return { ...route, route: { ...route.route, hashPolicy: unique(policies) } };
  },
};

/** By the policy that the destination's own cluster is made from. */
export function hashPoliciesOf(
  read: ModelReader,
  client: ClientView,
  host: string,
  port: number,
  subset: string | undefined,
): readonly RouteAction_HashPolicy[] {
  const rule = read.destinationRule(host, read.clusterScope(host, client))?.spec;
  if (!rule) return [];
  const chosen = subset ? rule.subsets?.find(({ name }) => name === subset) : undefined;
  const hash = policyFor(rule, chosen, port).loadBalancer?.consistentHash;
  const policy = hash && policyOf(hash);
  return policy ? [policy] : [];
}

function policyOf(hash: ConsistentHash): RouteAction_HashPolicy | undefined {
  if (hash.httpHeaderName) return { header: { headerName: hash.httpHeaderName } };
  if (hash.httpCookie) {
    const { name, path, ttl, attributes = [] } = hash.httpCookie;
    return {
      cookie: {
        name,
        ...(path ? { path } : {}),
        ...(ttl ? { ttl: protoDuration(ttl) } : {}),
        ...(attributes.length > 0
          ? { attributes: attributes.map(({ name: key, value = "" }) => ({ name: key, value })) }
          : {}),
      },
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
