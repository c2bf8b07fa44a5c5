/** How much of a client's traffic each place gets, and what of the client that depends on. */
import type { LoadBalancerSettings, WorkloadEndpoint, ZoneAwareLoadBalancer } from "@heddle/model";
import type { EffectivePolicy } from "../cluster/policy.ts";
import { distribute } from "./distribution.ts";
import { failOver } from "./failover.ts";
import { labelsCompared } from "./failover-labels.ts";
import { labelOf } from "./topology.ts";
import { type ClientPlace, grouped, type LocalityGroup } from "./locality-group.ts";
import { zoneAware, ZONES_OF_PEERS } from "./zones.ts";

/** What of a client the endpoints that it is given depend on. */
export interface PlaceAsked {
  readonly locality: boolean;
  readonly labels: readonly string[];
}

/**
 * Shares by place come first; without them traffic fails over by labels, by place, or both. Failing over needs outlier
 * detection to see that it must.
 */
export function askedBy({
  loadBalancer,
  outlierDetection,
  alwaysFailsOver,
}: EffectivePolicy): PlaceAsked {
  const zones = zoneAwareOf(loadBalancer);
  if (zones !== undefined) {
    return { locality: true, labels: [ZONES_OF_PEERS, ...labelsCompared(zones.failoverPriority)] };
  }
  const { enabled, distribute: shares, failoverPriority } = loadBalancer?.localityLbSetting ?? {};
  if (enabled === false) return NOTHING;
  if ((shares ?? []).length > 0) return { locality: true, labels: [] };
  if (outlierDetection === undefined && !alwaysFailsOver) return NOTHING;
  return { locality: true, labels: labelsCompared(failoverPriority) };
}

/** Undefined where there is none, or where it is off. */
export function zoneAwareOf(
  loadBalancer: LoadBalancerSettings | undefined,
): ZoneAwareLoadBalancer | undefined {
  const zones = loadBalancer?.zoneAwareLbSetting;
  return zones?.enabled === false ? undefined : zones;
}

const NOTHING: PlaceAsked = { locality: false, labels: [] };

/** Whether some endpoints come before others. */
export function isOrdered({
  loadBalancer,
  outlierDetection,
  alwaysFailsOver,
}: EffectivePolicy): boolean {
  if (zoneAwareOf(loadBalancer) !== undefined) return true;
  const { enabled, distribute: shares = [] } = loadBalancer?.localityLbSetting ?? {};
  if (enabled === false || shares.length > 0) return false;
  return outlierDetection !== undefined || alwaysFailsOver === true;
}

/**
 * How many priorities endpoints have at most, whoever the client is. What differs between endpoints that are alike in all
 * that is compared is nothing to any client.
 */
export function placesOf(endpoints: readonly WorkloadEndpoint[], policy: EffectivePolicy): number {
  if (!isOrdered(policy)) return 1;
  const zones = zoneAwareOf(policy.loadBalancer);
  const { failover = [], failoverPriority = [] } =
    zones ?? policy.loadBalancer?.localityLbSetting ?? {};
  const byPlace = zones !== undefined || failoverPriority.length === 0 || failover.length > 0;
  const names = failoverPriority.map((each) => each.split("=")[0] ?? each);
  const places = endpoints.map((endpoint) =>
    JSON.stringify([
      ...names.map((name) => labelOf(endpoint, name)),
      ...(byPlace ? [endpoint.locality] : []),
    ]),
  );
  return Math.max(1, new Set(places).size);
}

/** Groups in the order of their priorities and names; a group weighs as much as its endpoints do. */
export function byLocality(
  endpoints: readonly WorkloadEndpoint[],
  client: ClientPlace,
  policy: EffectivePolicy,
): readonly LocalityGroup[] {
  const zones = zoneAwareOf(policy.loadBalancer);
  if (zones !== undefined) return zoneAware(endpoints, client, zones);
  const settings = policy.loadBalancer?.localityLbSetting ?? {};
  if (settings.enabled === false) return grouped(endpoints);
  if ((settings.distribute ?? []).length > 0) {
    return distribute(grouped(endpoints), client.locality, settings.distribute ?? []);
  }
  if (!isOrdered(policy)) return grouped(endpoints);
  return failOver(endpoints, client, settings);
}
