/** What of a proxy its outbound resources depend on. */
import type { PatchTarget } from "../patch/compile.ts";
import { patchKeyOf } from "../patch/patch-set.ts";
import type { ProxyDescription, Reach } from "../proxy.ts";
import type { ClientView, ModelReader } from "../read.ts";

/**
 * Labels are kept only where some rule's predicate reads them: pods that differ in what nobody asks about are the same
 * client. `staged` tells whether candidates read anything that others do not; without it they are like all others.
 */
export function clientViewOf(
  read: ModelReader,
  proxy: ProxyDescription,
  staged: boolean,
): ClientView {
  const labels: Record<string, string> = {};
  for (const label of read.predicateLabels()) {
    const value = proxy.labels[label];
    if (value !== undefined) labels[label] = value;
  }
  const { type, namespace, clusterId, locality } = proxy;
  const cohort = staged ? proxy.cohort : "stable";
  const reach = reachOf(proxy);
  const patches = patchKeyOf(read, proxy, CLUSTERS);
  const key = JSON.stringify([
    type,
    namespace,
    clusterId,
    locality === undefined ? "" : `${locality.region}/${locality.zone}/${locality.subzone}`,
    reach,
    Object.entries(labels),
    ...(patches === "" ? [] : [patches]),
  ]);
  return { key, type, namespace, labels, clusterId, locality, cohort, reach, patches };
}

/** Of all that patches change, clients share only clusters. */
const CLUSTERS: ReadonlySet<PatchTarget> = new Set(["CLUSTER"]);

function reachOf({ type, interception, proxyless }: ProxyDescription): Reach {
  if (proxyless) return "proxyless";
  return type === "sidecar" && interception === "REDIRECT" ? "intercepted" : "explicit";
}
