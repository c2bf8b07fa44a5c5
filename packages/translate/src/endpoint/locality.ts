/** Groups endpoints by place, and says how much of a client's traffic each place gets. */
import type { LocalityLoadBalancer, WorkloadEndpoint, WorkloadLocality } from "@heddle/model";
import type { EffectivePolicy } from "../cluster/policy.ts";
import type { Locality } from "../proxy.ts";

export interface LocalityGroup {
  readonly locality: WorkloadLocality | undefined;
  readonly endpoints: readonly WorkloadEndpoint[];
  /** 0 is used first; a higher number while those before it are not healthy enough. */
  readonly priority: number;
  /** Share among groups of the same priority. */
  readonly weight: number;
}

/**
 * Whether a client's own place makes a difference: where traffic is to be distributed by place, or may fail over, which
 * needs outlier detection to see that it must.
 */
export function localityMatters(policy: EffectivePolicy): boolean {
  const settings = policy.loadBalancer?.localityLbSetting;
  if (settings?.enabled === false) return false;
  if ((settings?.distribute ?? []).length > 0) return true;
  return policy.outlierDetection !== undefined;
}

/** The same for one level of a policy, of which the others are not known. */
export function mayAskForLocality({ loadBalancer, outlierDetection }: EffectivePolicy): boolean {
  const distribute = loadBalancer?.localityLbSetting?.distribute ?? [];
  return outlierDetection !== undefined || distribute.length > 0;
}

/** Groups in the order of their names; a group weighs as much as its endpoints do. */
export function byLocality(
  endpoints: readonly WorkloadEndpoint[],
  client: Locality | undefined,
  policy: EffectivePolicy,
): readonly LocalityGroup[] {
  const groups = new Map<string, WorkloadEndpoint[]>();
  for (const endpoint of endpoints) {
    const place = textOf(endpoint.locality);
    const group = groups.get(place);
    if (group === undefined) groups.set(place, [endpoint]);
    else group.push(endpoint);
  }
  const settings = policy.loadBalancer?.localityLbSetting ?? {};
  const plain = [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, members]) => ({
      locality: members[0]?.locality,
      endpoints: members,
      priority: 0,
      weight: members.reduce((sum, { weight }) => sum + weight, 0),
    }));
  if (client === undefined || !localityMatters(policy)) return plain;
  const shares = distributionFor(client, settings);
  return shares === undefined ? failOver(plain, client, settings) : distribute(plain, shares);
}

type Shares = ReadonlyMap<string, number>;

function distributionFor(client: Locality, settings: LocalityLoadBalancer): Shares | undefined {
  const rule = settings.distribute?.find(({ from }) => covers(from ?? "*", client));
  return rule && new Map(Object.entries(rule.to ?? {}));
}

/** Places that no share covers get nothing; places under one share divide it by the weights of their endpoints. */
function distribute(groups: readonly LocalityGroup[], shares: Shares): readonly LocalityGroup[] {
  const shareOf = ({ locality }: LocalityGroup): string | undefined =>
    [...shares.keys()]
      .filter((place) => covers(place, locality))
      .toSorted((a, b) => b.length - a.length)[0];
  const totals = new Map<string, number>();
  for (const group of groups) {
    const share = shareOf(group);
    if (share !== undefined) totals.set(share, (totals.get(share) ?? 0) + group.weight);
  }
  return groups.flatMap((group) => {
    const share = shareOf(group);
    const percent = share === undefined ? 0 : (shares.get(share) ?? 0);
    if (share === undefined || percent === 0) return [];
    // Weights are whole numbers: hundredths of a percent keep small places from vanishing.
    const weight = Math.max(
      1,
      Math.round((percent * 100 * group.weight) / (totals.get(share) ?? 1)),
    );
    return [{ ...group, weight }];
  });
}

/** The nearest place first: same subzone, zone, region, then the region named for failover, then the rest. */
function failOver(
  groups: readonly LocalityGroup[],
  client: Locality,
  settings: LocalityLoadBalancer,
): readonly LocalityGroup[] {
  const target = settings.failover?.find(({ from }) => from === client.region)?.to;
  const distances = groups.map(({ locality }) => distance(locality, client, target));
  // Envoy wants priorities without gaps.
  const used = [...new Set(distances)].toSorted((a, b) => a - b);
  return groups.map((group, i) => ({ ...group, priority: used.indexOf(distances[i] as number) }));
}

function distance(
  place: WorkloadLocality | undefined,
  client: Locality,
  failoverRegion: string | undefined,
): number {
  if (place?.region !== client.region) return place?.region === failoverRegion ? 3 : 4;
  if (place.zone !== client.zone) return 2;
  return place.subzone === client.subzone ? 0 : 1;
}

/** `region`, `region/zone`, `region/zone/subzone`, each part perhaps `*`. */
function covers(pattern: string, place: Locality | undefined): boolean {
  if (pattern === "*") return true;
  if (place === undefined) return false;
  const parts = [place.region, place.zone, place.subzone];
  return pattern.split("/").every((part, i) => part === "*" || part === (parts[i] ?? ""));
}

function textOf(locality: WorkloadLocality | undefined): string {
  return locality === undefined ? "" : `${locality.region}/${locality.zone}/${locality.subzone}`;
}
