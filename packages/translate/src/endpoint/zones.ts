/**
 * The client's own zone first, as far as it can take what comes from there: `zoneAwareLbSetting`. This is the reckoning of
 * Envoy's zone aware routing ("Zone aware routing" in its architecture overview) made here, where both sides are known,
 * since Envoy makes it only for clusters that stand in its bootstrap.
 */
import type { WorkloadEndpoint, ZoneAwareLoadBalancer } from "@heddle/model";
import type { ProxyDescription } from "../proxy.ts";
import type { ModelReader } from "../read.ts";
import { mismatch, regionDistance, REGION_DISTANCES, tiersOf } from "./failover.ts";
import { type ClientPlace, grouped, type LocalityGroup } from "./locality-group.ts";

/**
 * What a client says of itself like a label, though none can have such a name: how many of its own service's workloads
 * are in each zone of its region, `z1=2,z2=1`.
 */
export const ZONES_OF_PEERS = "zones of peers";

/** Envoy's: a service of fewer endpoints is spread over all zones. */
const MIN_CLUSTER_SIZE = 6;
/** Weights are whole numbers. */
const WHOLE = 10_000;

/** Empty where no service leads to the client: how much comes from its zone is not known then. */
export function zonesOfPeers(read: ModelReader, { addresses, locality }: ProxyDescription): string {
  const [address] = addresses;
  if (address === undefined || locality === undefined) return "";
  const [service] = read.servicesAt(address);
  const [port] = service?.ports ?? [];
  if (service === undefined || port === undefined) return "";
  const peers = read
    .endpoints(service, port.port)
    .filter((peer) => peer.locality?.region === locality.region);
  const zones = Map.groupBy(peers, (peer) => peer.locality?.zone ?? "");
  return [...zones]
    .map(([zone, { length }]) => `${zone}=${length}`)
    .toSorted()
    .join(",");
}

/** Regions are always apart: another is used while the client's own is not healthy enough. */
export function zoneAware(
  endpoints: readonly WorkloadEndpoint[],
  client: ClientPlace,
  { failover = [], failoverPriority = [], minClusterSize }: ZoneAwareLoadBalancer,
): readonly LocalityGroup[] {
  const { locality } = client;
  if (locality === undefined) return grouped(endpoints);
  const target = failover.find(({ from }) => from === locality.region)?.to;
  const tiers = tiersOf(
    endpoints,
    (endpoint) =>
      mismatch(endpoint, client, failoverPriority) * REGION_DISTANCES +
      regionDistance(endpoint.locality, locality, target),
  );
  const [first = [], ...others] = tiers;
  const own = first.every((endpoint) => endpoint.locality?.region === locality.region)
    ? ownRegion(first, client, minClusterSize ?? MIN_CLUSTER_SIZE)
    : [grouped(first)];
  return [...own, ...others.map((members) => grouped(members))].flatMap((groups, priority) =>
    groups.map((group) => ({ ...group, priority })),
  );
}

/** The zones that are used, and those that are while these are not healthy enough. */
function ownRegion(
  endpoints: readonly WorkloadEndpoint[],
  { locality, labels }: ClientPlace,
  atLeast: number,
): (readonly LocalityGroup[])[] {
  const all = grouped(endpoints);
  const peers = countsIn(labels[ZONES_OF_PEERS] ?? "");
  const here = locality?.zone ?? "";
  const zones = Map.groupBy(all, (group) => group.locality?.zone ?? "");
  if (endpoints.length < atLeast || zones.size < 2 || !zones.has(here) || !peers.has(here))
    return [all];
  const shares = sharesOf(
    here,
    fractions(new Map([...zones].map(([zone, groups]) => [zone, hostsIn(groups)]))),
    fractions(peers),
  );
  const used = all.flatMap((group) => {
    const zone = group.locality?.zone ?? "";
    const share = shares.get(zone) ?? 0;
    const part = hostsIn([group]) / hostsIn(zones.get(zone) ?? []);
    const weight = Math.round(share * part * WHOLE);
    return weight === 0 ? [] : [{ ...group, weight }];
  });
  const places = new Set(used.map((group) => group.locality));
  const spare = all.filter((group) => !places.has(group.locality));
  return spare.length === 0 ? [used] : [used, spare];
}

/** What goes to each zone: to the client's own as much as it can take, to the others by what they have to spare. */
function sharesOf(
  here: string,
  upstream: ReadonlyMap<string, number>,
  clients: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> {
  const local = Math.min(1, (upstream.get(here) ?? 0) / (clients.get(here) ?? 1));
  const spare = new Map(
    [...upstream].map(([zone, part]) => [zone, Math.max(0, part - (clients.get(zone) ?? 0))]),
  );
  const total = [...spare.values()].reduce((sum, each) => sum + each, 0);
  return new Map(
    [...upstream.keys()].map((zone) => [
      zone,
      zone === here ? local : total === 0 ? 0 : ((1 - local) * (spare.get(zone) ?? 0)) / total,
    ]),
  );
}

function hostsIn(groups: readonly LocalityGroup[]): number {
  return groups.reduce((sum, { endpoints }) => sum + endpoints.length, 0);
}

function fractions(counts: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const total = [...counts.values()].reduce((sum, each) => sum + each, 0);
  return new Map([...counts].map(([zone, count]) => [zone, count / total]));
}

function countsIn(text: string): ReadonlyMap<string, number> {
  if (text === "") return new Map();
  return new Map(
    text.split(",").map((each) => {
      const mark = each.lastIndexOf("=");
      return [each.slice(0, mark), Number(each.slice(mark + 1))] as const;
    }),
  );
}
