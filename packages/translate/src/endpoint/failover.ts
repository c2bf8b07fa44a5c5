/** Which endpoints a client uses first, and which while those are not healthy: by labels, by place, or both. */
import type { LocalityLoadBalancer, WorkloadEndpoint, WorkloadLocality } from "@heddle/model";
import type { Locality } from "../proxy.ts";
import { type ClientPlace, grouped, type LocalityGroup } from "./locality-group.ts";
import { labelOf, NETWORK_LABEL } from "./topology.ts";

/**
 * By place unless `failoverPriority` names labels; by both where `failover` stands beside it, labels first. Groups of one
 * priority are by place.
 */
export function failOver(
  endpoints: readonly WorkloadEndpoint[],
  client: ClientPlace,
  { failover = [], failoverPriority = [] }: LocalityLoadBalancer,
): readonly LocalityGroup[] {
  const byPlace = failoverPriority.length === 0 || failover.length > 0;
  const target = failover.find(({ from }) => from === client.locality?.region)?.to;
  const rank = (endpoint: WorkloadEndpoint): number => {
    const labels = mismatch(endpoint, client, failoverPriority);
    const place =
      byPlace && client.locality ? distance(endpoint.locality, client.locality, target) : 0;
    return labels * DISTANCES + place;
  };
  return tiersOf(endpoints, rank).flatMap((members, priority) => grouped(members, priority));
}

/** By rank, the lowest first; Envoy wants priorities without gaps. */
export function tiersOf(
  endpoints: readonly WorkloadEndpoint[],
  rank: (endpoint: WorkloadEndpoint) => number,
): readonly (readonly WorkloadEndpoint[])[] {
  return [...Map.groupBy(endpoints, rank)]
    .toSorted(([a], [b]) => a - b)
    .map(([, members]) => members);
}

/** How many values `distance` has. */
const DISTANCES = 5;

/** Same subzone, zone, region, then the region named for failover, then the rest. */
function distance(
  place: WorkloadLocality | undefined,
  client: Locality,
  failoverRegion: string | undefined,
): number {
  const region = regionDistance(place, client, failoverRegion);
  if (region > 0) return region + 2;
  if (place?.zone !== client.zone) return 2;
  return place.subzone === client.subzone ? 0 : 1;
}

/** How many values `regionDistance` has. */
export const REGION_DISTANCES = 3;

/** Same region, then the one named for failover, then the rest. */
export function regionDistance(
  place: WorkloadLocality | undefined,
  client: Locality,
  failoverRegion: string | undefined,
): number {
  if (place?.region === client.region) return 0;
  return place?.region === failoverRegion ? 1 : 2;
}

/**
 * 0 where every label is the client's; the number of labels left to compare where one is not. A leading network label does
 * not end the comparison: what is in another network comes after all that is in the client's own, in the same order.
 */
export function mismatch(
  endpoint: WorkloadEndpoint,
  { labels }: ClientPlace,
  failoverPriority: readonly string[],
): number {
  const count = failoverPriority.length;
  let elsewhere = 0;
  for (const [index, each] of failoverPriority.entries()) {
    const mark = each.indexOf("=");
    const name = mark < 0 ? each : each.slice(0, mark);
    const wanted = mark < 0 ? (labels[name] ?? "") : each.slice(mark + 1);
    if (wanted === labelOf(endpoint, name)) continue;
    if (index === 0 && name === NETWORK_LABEL) elsewhere = count;
    else return elsewhere + count - index;
  }
  return elsewhere;
}
