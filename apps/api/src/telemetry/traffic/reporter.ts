/** Both proxies of a request count it; here it is decided whose count stands, so that no request is counted twice. */

import { isUnreached } from "@heddle/telemetry";
import { known, type SeriesTotals } from "./series-totals.ts";

/**
 * What arrived at workloads and services: the server's own count, and of the client's count only what reached no server. Where a key has no
 * server's count (no proxy there), the client's stands.
 */
export function serverSide<K>(
  series: readonly SeriesTotals[],
  keyOf: (series: SeriesTotals) => K | undefined,
): Map<K, SeriesTotals[]> {
  return choose(series, keyOf, (group) => {
    const reached = group.some(({ labels }) => labels.reporter === "destination");
    return reached
      ? group.filter((one) => one.labels.reporter === "destination" || neverArrived(one))
      : group;
  });
}

/** What went over an edge: the client's count, as only it sees what the network did; else the server's. */
export function clientSide<K>(
  series: readonly SeriesTotals[],
  keyOf: (series: SeriesTotals) => K | undefined,
): Map<K, SeriesTotals[]> {
  return choose(series, keyOf, (group) => {
    const clients = group.filter(({ labels }) => labels.reporter === "source");
    return clients.length > 0 ? clients : group;
  });
}

function neverArrived({ labels }: SeriesTotals): boolean {
  return (
    isUnreached(labels.response_flags) ||
    (labels.reporter === "source" &&
      known(labels.destination_workload) === "" &&
      labels.response_flags !== "-")
  );
}

function choose<K>(
  series: readonly SeriesTotals[],
  keyOf: (series: SeriesTotals) => K | undefined,
  pick: (group: SeriesTotals[]) => SeriesTotals[],
): Map<K, SeriesTotals[]> {
  const groups = new Map<K, SeriesTotals[]>();
  for (const one of series) {
    const key = keyOf(one);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  for (const [key, group] of groups) groups.set(key, pick(group));
  return groups;
}
