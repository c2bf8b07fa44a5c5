/** What of a proxy its outbound resources depend on. */
import { objectKey } from "@heddle/model";
import { networkOf } from "../endpoint/networks.ts";
import { labelOf, NETWORK_LABEL, PLACE_LABELS } from "../endpoint/topology.ts";
import { ZONES_OF_PEERS, zonesOfPeers } from "../endpoint/zones.ts";
import { backendCertificate } from "../form/gateway-api/client-certificate.ts";
import { familiesOf } from "../families.ts";
import { asksOnDemand } from "../on-demand/taking-part.ts";
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
  const asked = read.predicateLabels();
  const [address] = proxy.addresses;
  // A pod's Envoy does not know where its node is; whoever watches the cluster does.
  const isAsked =
    proxy.locality === undefined ||
    asked.some((label) => PLACE_LABELS.has(label) || label === NETWORK_LABEL);
  const known = isAsked && address !== undefined ? read.workload(address) : undefined;
  const locality = proxy.locality ?? known?.locality;
  const nodeName = known?.nodeName ?? proxy.metadata?.["NODE_NAME"];
  const workload = {
    ...proxy,
    locality,
    ...(nodeName === undefined ? {} : { nodeName }),
  };
  for (const label of asked) {
    const value =
      label === ZONES_OF_PEERS
        ? zonesOfPeers(read, proxy)
        : label === NETWORK_LABEL
          ? networkOf(read, proxy, known)
          : labelOf(workload, label);
    if (value !== "" || Object.hasOwn(proxy.labels, label)) labels[label] = value;
  }
  const { type, namespace, clusterId } = proxy;
  const cohort = staged ? proxy.cohort : "stable";
  const reach = reachOf(proxy);
  const families = familiesOf(proxy.addresses);
  const certificate = proxy.proxyless
    ? proxy.metadata?.["HEDDLE_CERTIFICATE_PROVIDER"] || undefined
    : backendCertificate(read, proxy);
  // Of all that patches change, clients share only clusters.
  const patches = patchKeyOf(read, proxy, ({ applyTo }) => applyTo === "CLUSTER");
  // Gateways serve strangers: what they reach is what their rules name.
  const followed = type === "sidecar" ? read.sidecar(namespace, proxy.labels) : undefined;
  const sidecar = followed && objectKey(followed);
  const onDemand = asksOnDemand(read, proxy, sidecar);
  const key = JSON.stringify([
    type,
    namespace,
    clusterId,
    locality === undefined ? "" : `${locality.region}/${locality.zone}/${locality.subzone}`,
    reach,
    Object.entries(labels),
    sidecar ?? "",
    ...(onDemand ? ["on demand"] : []),
    ...(families === "v4" ? [] : [families]),
    ...(patches === "" ? [] : [patches]),
    ...(certificate === undefined ? [] : [certificate]),
  ]);
  return {
    ...{ key, type, namespace, labels, clusterId, locality, cohort, reach, patches },
    ...(sidecar === undefined ? {} : { sidecar }),
    ...(onDemand ? { onDemand } : {}),
    ...(families === "v4" ? {} : { families }),
    ...(certificate === undefined ? {} : { certificate }),
  };
}

function reachOf({ type, interception, proxyless }: ProxyDescription): Reach {
  if (proxyless) return "proxyless";
  if (type === "router") return "gateway";
  return interception === "REDIRECT" ? "intercepted" : "explicit";
}
