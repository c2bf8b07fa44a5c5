/** How requests came to workloads: over mutual TLS, or without an identity. */

import { amountOf, known, type SeriesTotals } from "./series-totals.ts";
import type { Arrivals } from "../telemetry-store.ts";

/** Of what servers' proxies counted; a client does not know how its requests were taken. Sorted by namespace and name. */
export function arrivalsOf(series: readonly SeriesTotals[]): Arrivals[] {
  const found = new Map<string, { -readonly [Key in keyof Arrivals]: Arrivals[Key] }>();
  for (const one of series) {
    const { reporter, connection_security_policy: policy } = one.labels;
    const name = known(one.labels.destination_workload);
    if (reporter !== "destination" || name === "" || known(policy) === "") continue;
    const namespace = known(one.labels.destination_workload_namespace);
    const key = `${namespace}/${name}`;
    const own = found.get(key) ?? { namespace, name, requests: 0, plaintext: 0 };
    own.requests += amountOf(one);
    if (policy !== "mutual_tls") own.plaintext += amountOf(one);
    found.set(key, own);
  }
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, own]) => own);
}
