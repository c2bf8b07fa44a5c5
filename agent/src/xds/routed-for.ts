/** How long after it was routed a request may still ask for its cluster: while a delay holds it, and until its last retry begins. */
import type { Route, RouteConfiguration, VirtualHost } from "@heddle/envoy/config/route/v3";
import type { HTTPFault } from "@heddle/envoy/extensions/filters/http/fault/v3";
import { durationOf } from "@heddle/model";

/** What Envoy takes where a route says nothing, milliseconds. */
const TIME_OUT_MS = 15_000;
const BACK_OFF_MS = 25;

const FAULT_FILTER = "envoy.filters.http.fault";

/** Milliseconds by cluster, of those for which it is more than none; where several routes lead to one the longest. */
export function routedFor(config: RouteConfiguration): ReadonlyMap<string, number> {
  const longest = new Map<string, number>();
  for (const host of config.virtualHosts ?? []) {
    for (const route of host.routes ?? []) {
      const time = delayOf(route, host) + retriedFor(route, host);
      if (time === 0) continue;
      for (const cluster of clustersOf(route))
        longest.set(cluster, Math.max(time, longest.get(cluster) ?? 0));
    }
  }
  return longest;
}

function delayOf(route: Route, host: VirtualHost): number {
  const fault = (route.typedPerFilterConfig ?? host.typedPerFilterConfig)?.[FAULT_FILTER];
  return milliseconds((fault as HTTPFault | undefined)?.delay?.fixedDelay) ?? 0;
}

/** Attempts that nothing limits last as long as they like: there is no time after which nobody would come. */
function retriedFor({ route: action }: Route, host: VirtualHost): number {
  const policy = action?.retryPolicy ?? host.retryPolicy;
  const retries = policy === undefined ? 0 : Number(policy.numRetries ?? 1);
  if (action === undefined || retries === 0) return 0;
  const timeout = milliseconds(action.timeout) ?? TIME_OUT_MS;
  const perTry = milliseconds(policy?.perTryTimeout) ?? 0;
  const { baseInterval, maxInterval } = policy?.retryBackOff ?? {};
  const pause = milliseconds(maxInterval) ?? 10 * (milliseconds(baseInterval) ?? BACK_OFF_MS);
  const attempts = perTry > 0 ? retries * (perTry + pause) : 0;
  if (timeout === 0) return attempts;
  return attempts > 0 ? Math.min(timeout, attempts) : timeout;
}

function clustersOf({ route: action }: Route): readonly string[] {
  if (action === undefined) return [];
  const { cluster, weightedClusters, requestMirrorPolicies, inlineClusterSpecifierPlugin } = action;
  const chosen = inlineClusterSpecifierPlugin?.extension?.typedConfig as
    | { readonly defaultCluster?: string }
    | undefined;
  return [
    cluster,
    chosen?.defaultCluster,
    ...(weightedClusters?.clusters ?? []).map(({ name }) => name),
    ...(requestMirrorPolicies ?? []).map((mirror) => mirror.cluster),
  ].flatMap((name) => name || []);
}

function milliseconds(duration: unknown): number | undefined {
  return typeof duration === "string" ? durationOf(duration) : undefined;
}
