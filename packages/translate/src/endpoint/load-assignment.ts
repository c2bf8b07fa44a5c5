/** The endpoints of one cluster as clients in one place see them. */
import type { ClusterLoadAssignment, LbEndpoint } from "@heddle/envoy/config/endpoint/v3";
import { labelsMatch, type WorkloadEndpoint } from "@heddle/model";
import { type ClusterKey, clusterKeyText, contextOf } from "../cluster/outbound.ts";
import { TLS_MODE, TLS_MODE_ISTIO } from "../cluster/tls.ts";
import { outboundCluster as clusterName } from "../names.ts";
import { derivation, type ModelReader } from "../read.ts";
import { endpointMetadata } from "../telemetry/peer.ts";
import { byLocality } from "./locality.ts";
import type { ClientPlace } from "./locality-group.ts";

export interface AssignmentKey extends ClusterKey {
  /** What the rule for the host asks of it; see `askedBy`. */
  readonly client: ClientPlace;
}

/** Undefined for clusters that do not take their endpoints from EDS. */
export const loadAssignment = derivation<AssignmentKey, ClusterLoadAssignment | undefined>(
  "endpoint/load-assignment",
  (key) => `${clusterKeyText(key)}|${placeText(key.client)}`,
  (read, key) => {
    const context = contextOf(read, key);
    if (context === undefined || context.discovery !== "EDS") return undefined;
    const { subset, policy } = context;
    const chosen = read
      .endpoints(key.host, key.port)
      .filter((endpoint) => labelsMatch(subset?.labels, endpoint.labels));
    // gRPC's own clients refuse endpoints that are nowhere; an empty place will do.
    const nowhere = context.reach === "proxyless" ? { locality: {} } : {};
    const groups = byLocality(chosen, key.client, policy);
    return {
      clusterName: clusterName(key.host, key.port, key.subset),
      endpoints: groups.map(({ locality, endpoints, priority, weight }) => ({
        ...(locality === undefined
          ? nowhere
          : {
              locality: {
                region: locality.region,
                zone: locality.zone,
                subZone: locality.subzone,
              },
            }),
        lbEndpoints: endpoints.map((endpoint) => lbEndpoint(read, endpoint)),
        loadBalancingWeight: weight,
        ...(priority === 0 ? {} : { priority }),
      })),
    };
  },
);

export function placeText({ locality, labels }: ClientPlace): string {
  const place =
    locality === undefined ? "" : `${locality.region}/${locality.zone}/${locality.subzone}`;
  return [place, ...Object.entries(labels).map(([name, value]) => `${name}=${value}`)].join(",");
}

function lbEndpoint(read: ModelReader, endpoint: WorkloadEndpoint): LbEndpoint {
  const { filterMetadata } = endpointMetadata(endpoint);
  return {
    endpoint: {
      address: { socketAddress: { address: endpoint.address, portValue: endpoint.port } },
    },
    healthStatus: "HEALTHY",
    metadata: {
      filterMetadata: {
        ...filterMetadata,
        ...(takesMeshTls(read, endpoint)
          ? { "envoy.transport_socket_match": { [TLS_MODE]: TLS_MODE_ISTIO } }
          : {}),
      },
    },
    loadBalancingWeight: endpoint.weight,
  };
}

/** It has a proxy of the mesh in front of it, and nobody has told that proxy to take plain text only. */
function takesMeshTls(
  read: ModelReader,
  { mtls, namespace, labels, port }: WorkloadEndpoint,
): boolean {
  return mtls && read.peerAuthentication(namespace, labels, port) !== "DISABLE";
}
