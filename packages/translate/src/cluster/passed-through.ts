/**
 * The clusters of a gateway between networks (`AUTO_PASSTHROUGH`): connections of workloads elsewhere are passed on as they are,
 * in the mutual TLS of their client, to the cluster that their server name stands for.
 */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import { hostMatches, type ServiceModel } from "@heddle/model";
import { attempt } from "../engine/attempt.ts";
import type { ListenerHost } from "../form/gateway-listener.ts";
import { outboundCluster as outboundName, serverNameOfCluster } from "../names.ts";
import type { ProxyDescription } from "../proxy.ts";
import { type ClientView, derivation, type ModelReader } from "../read.ts";
import { gatewayKeyOf, gatewayServers } from "../route/gateway-servers.ts";
import { connectionPool } from "./connection-pool.ts";
import { discovery } from "./discovery.ts";
import type { ClusterFeature } from "./feature.ts";
import { loadBalancing } from "./load-balancing.ts";
import { locality } from "./locality.ts";
import { metadata } from "./metadata.ts";
import { outlierDetection } from "./outlier-detection.ts";
import {
  clusteredPorts,
  type ClusterKey,
  clusterKeyText,
  contextOf,
  subsetsOf,
} from "./outbound.ts";

/** Of a cluster's features those that concern connections; what is inside of them is the client's. */
const FEATURES: readonly ClusterFeature[] = [
  discovery,
  loadBalancing,
  connectionPool,
  outlierDetection,
  locality,
  metadata,
];

/** Of every service of the mesh that some such server of the proxy's gateways lets in; none for other proxies. */
export function passedThroughClusters(
  read: ModelReader,
  proxy: ProxyDescription,
  view: ClientView,
): readonly Cluster[] {
  const admitted = read
    .get(gatewayServers, gatewayKeyOf(proxy))
    .flatMap(({ listener: { tls, hosts } }) => (tls?.mode === "AUTO_PASSTHROUGH" ? hosts : []));
  if (admitted.length === 0) return [];
  return read.hosts(view.namespace).flatMap((host) => {
    const scope = read.clusterScope(host, view);
    const service = read.service(host, scope);
    if (service === undefined || !isLetIn(service, admitted)) return [];
    const subsets = subsetsOf(read.destinationRule(host, scope));
    return clusteredPorts(service).flatMap((port) =>
      subsets.flatMap((subset) => {
        const key = { host, port, subset, scope, reach: view.reach ?? "intercepted" };
        return attempt(() => read.get(passedThroughCluster, key)) ?? [];
      }),
    );
  });
}

/** What is not of the mesh has no mutual TLS that could be passed on. */
function isLetIn(
  { host, namespace, external, externalName }: ServiceModel,
  admitted: readonly ListenerHost[],
): boolean {
  if (external || externalName !== undefined) return false;
  return admitted.some(
    ({ host: pattern, namespaces }) =>
      (pattern === host || hostMatches(pattern, host)) &&
      (namespaces === undefined || namespaces.includes(namespace)),
  );
}

const passedThroughCluster = derivation<ClusterKey, Cluster | undefined>(
  "cluster/passed-through",
  clusterKeyText,
  (read, key) => {
    const context = contextOf(read, key);
    if (context === undefined) return undefined;
    const { host, port, subset } = key;
    // Endpoints are those of the cluster by which the gateway itself would reach the service.
    let cluster: Cluster = { name: outboundName(host, port, subset) };
    for (const feature of FEATURES) cluster = feature.apply(cluster, context);
    return { ...cluster, name: serverNameOfCluster(host, port, subset) };
  },
);
