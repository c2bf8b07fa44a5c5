/** Traffic in shares by place: `localityLbSetting.distribute`. */
import type { LocalityLoadBalancer } from "@heddle/model";
import type { Locality } from "../proxy.ts";
import type { LocalityGroup } from "./locality-group.ts";

type Distribution = NonNullable<LocalityLoadBalancer["distribute"]>;

/**
 * The first rule for the client's place decides; without one traffic goes by weights alone. Places that no share covers get
 * nothing; places under one share divide it by the weights of their endpoints.
 */
export function distribute(
  groups: readonly LocalityGroup[],
  client: Locality | undefined,
  rules: Distribution,
): readonly LocalityGroup[] {
  const rule = rules.find(({ from }) => covers(from ?? "*", client));
  if (rule === undefined) return groups;
  const shares = new Map(Object.entries(rule.to ?? {}));
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

/** `region`, `region/zone`, `region/zone/subzone`, each part perhaps `*`. */
function covers(pattern: string, place: Locality | undefined): boolean {
  if (pattern === "*") return true;
  if (place === undefined) return false;
  const parts = [place.region, place.zone, place.subzone];
  return pattern.split("/").every((part, i) => part === "*" || part === (parts[i] ?? ""));
}
