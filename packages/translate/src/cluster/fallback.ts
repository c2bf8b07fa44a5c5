/** Clusters of a service and, behind it, of what answers while it cannot. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import type { ClusterConfig } from "@heddle/envoy/extensions/clusters/aggregate/v3";
import type { ServiceModel } from "@heddle/model";
import { type Fallback, fallbacksOf, isFor } from "../form/fallback.ts";
import type { Destination } from "../form/rule-set.ts";
import { outboundCluster } from "../names.ts";
import type { ModelReader } from "../read.ts";
import { clusterMetadata } from "../telemetry/peer.ts";
import { extension } from "../typed-config.ts";
import { poolLimits } from "./connection-pool.ts";

/** `fallback.<namespace>/<name>|<port>|<subset>|<host>`: the parts mean what they do in the service's own clusters. */
export function fallbackCluster(
  { name }: Pick<Fallback, "name">,
  { host, port, subset }: { readonly host: string; readonly port: number; readonly subset: string },
): string {
  return `fallback.${name}|${port}|${subset}|${host}`;
}

/** The cluster of a fallback's destination. Without a port it is the service's only one, else the one that was asked. */
export function destinationCluster(
  read: ModelReader,
  { host, port: named, subset }: Destination,
  port: number,
): string {
  const service = read.service(host);
  const ports = service?.ports ?? [];
  const only = ports.length === 1 ? ports[0]?.port : undefined;
  return outboundCluster(service?.aliasOf ?? host, named ?? only ?? port, subset);
}

/** One for each fallback with a destination that may be for requests to the port and subset. */
export function fallbackClusters(
  read: ModelReader,
  service: ServiceModel,
  {
    port,
    subset,
    scope,
  }: { readonly port: number; readonly subset: string; readonly scope: string },
): readonly Cluster[] {
  const { host } = service;
  return fallbacksOf(read, host, scope).flatMap((fallback): Cluster[] => {
    const { destination, routes } = fallback;
    if (destination === undefined || !isFor(fallback, subset, routes[0])) return [];
    return [
      {
        name: fallbackCluster(fallback, { host, port, subset }),
        // Limits are those of the clusters inside; an attempt at the fallback is no retry that a limit is meant for.
        ...poolLimits(undefined, undefined),
        lbPolicy: "CLUSTER_PROVIDED",
        clusterType: extension<ClusterConfig>(
          "envoy.clusters.aggregate",
          "envoy.extensions.clusters.aggregate.v3.ClusterConfig",
          {
            clusters: [
              outboundCluster(host, port, subset),
              destinationCluster(read, destination, port),
            ],
          },
        ),
        metadata: clusterMetadata(service),
      },
    ];
  });
}
