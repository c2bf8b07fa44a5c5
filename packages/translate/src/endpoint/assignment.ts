/** The endpoints that a cluster is made of: chosen by its subset, grouped by place, each with what is known of it. */
import type { ClusterLoadAssignment, Endpoint, LbEndpoint } from "@heddle/envoy/config/endpoint/v3";
import {
  isHttp,
  isIpAddress,
  isIpv6,
  labelsMatch,
  UNIX_SOCKET,
  type WorkloadEndpoint,
} from "@heddle/model";
import type { ClusterContext } from "../cluster/feature.ts";
import { choosesPods, POD_HOSTNAME } from "../cluster/pod-hosts.ts";
import { TLS_MODE, TLS_MODE_ISTIO } from "../cluster/tls-mode.ts";
import { isReachable } from "../families.ts";
import { outboundCluster as clusterName } from "../names.ts";
import { endpointMetadata } from "../telemetry/peer.ts";
import { byLocality } from "./locality.ts";
import type { ClientPlace } from "./locality-group.ts";
import { acrossNetworks } from "./networks.ts";
import { takesMeshTls } from "./takes-mesh-tls.ts";
import { labelOf, NODE_LABEL } from "./topology.ts";

/** As clients in the context's place see them. */
export function assignmentOf(context: ClusterContext): ClusterLoadAssignment {
  const { subset, policy, service, port, reach, client } = context;
  // gRPC's own clients refuse endpoints that are nowhere; an empty place will do.
  const nowhere = reach === "proxyless" ? { locality: {} } : {};
  const workloads = new Map(byWorkload(endpointsOf(context)).map((each) => [each[0], each]));
  const groups = byLocality([...workloads.keys()], client, policy);
  return {
    clusterName: clusterName(service.host, port.port, subset?.name ?? ""),
    endpoints: groups.map((group) => ({
      ...(group.locality === undefined
        ? nowhere
        : {
            locality: {
              region: group.locality.region,
              zone: group.locality.zone,
              subZone: group.locality.subzone,
            },
          }),
      lbEndpoints: group.endpoints.map((each) =>
        lbEndpoint(context, workloads.get(each) ?? [each]),
      ),
      loadBalancingWeight: group.weight,
      ...(group.priority === 0 ? {} : { priority: group.priority }),
    })),
  };
}

/** Only clusters that resolve names can have them for endpoints; addresses are those that the client can reach. */
function endpointsOf(context: ClusterContext): readonly WorkloadEndpoint[] {
  const { read, service, port, subset, discovery, client } = context;
  const { families = "v4" } = client;
  const chosen = read
    .endpoints(service, port.port)
    .filter(({ labels }) => labelsMatch(subset?.labels, labels));
  const all = acrossNetworks(context, chosen)
    .filter(({ address }) => !isIpAddress(address) || isReachable(address, families))
    .filter((endpoint) => !service.nodeLocal || isOnNode(endpoint, client));
  if (discovery === "EDS") return all.filter(({ address }) => !isName(address));
  // One name, of which one address is used at a time: more than one endpoint Envoy refuses.
  return discovery === "LOGICAL_DNS" ? all.slice(0, 1) : all;
}

/** A client whose node nobody knows is on none. */
function isOnNode(endpoint: WorkloadEndpoint, { labels }: ClientPlace): boolean {
  const node = labels[NODE_LABEL] ?? "";
  return node !== "" && labelOf(endpoint, NODE_LABEL) === node;
}

/** A pod with an address of each family is one endpoint: its IPv4 address first, as addresses are sorted. */
function byWorkload(
  endpoints: readonly WorkloadEndpoint[],
): readonly (readonly [WorkloadEndpoint, ...WorkloadEndpoint[]])[] {
  const all: [WorkloadEndpoint, ...WorkloadEndpoint[]][] = [];
  const byPod = new Map<string, WorkloadEndpoint[]>();
  for (const endpoint of endpoints) {
    const { namespace, pod, port, address } = endpoint;
    const name = `${namespace}/${pod}:${port}`;
    const known = pod === "" ? undefined : byPod.get(name);
    if (known?.every((other) => isIpv6(other.address) !== isIpv6(address))) known.push(endpoint);
    else {
      const first: [WorkloadEndpoint, ...WorkloadEndpoint[]] = [endpoint];
      all.push(first);
      byPod.set(name, first);
    }
  }
  return all;
}

function lbEndpoint(
  context: ClusterContext,
  [endpoint, ...others]: readonly [WorkloadEndpoint, ...WorkloadEndpoint[]],
): LbEndpoint {
  const { filterMetadata } = endpointMetadata(endpoint);
  const { address, ...rest } = endpointAt(context, endpoint);
  const additional = others.flatMap((other) => {
    const also = endpointAt(context, other).address;
    return also === undefined ? [] : [{ address: also }];
  });
  return {
    endpoint: {
      address,
      ...rest,
      ...(additional.length > 0 ? { additionalAddresses: additional } : {}),
    },
    healthStatus: "HEALTHY",
    metadata: {
      filterMetadata: {
        ...filterMetadata,
        ...(choosesPods(context.service, context.reach) && endpoint.hostname !== undefined
          ? { "envoy.lb": { [POD_HOSTNAME]: endpoint.hostname } }
          : {}),
        ...(takesMeshTls(context, endpoint)
          ? { "envoy.transport_socket_match": { [TLS_MODE]: TLS_MODE_ISTIO } }
          : {}),
      },
    },
    loadBalancingWeight: endpoint.weight,
  };
}

function endpointAt({ port }: ClusterContext, endpoint: WorkloadEndpoint): Endpoint {
  const { address, port: portValue } = endpoint;
  if (address.startsWith(UNIX_SOCKET)) {
    return { address: { pipe: { path: address.slice(UNIX_SOCKET.length) } } };
  }
  const socket = { address: { socketAddress: { address, portValue } } };
  // HTTP requests carry the mesh's name for the host; the one outside is what its TLS and logs know.
  return isName(address) && isHttp(port.protocol) ? { ...socket, hostname: address } : socket;
}

function isName(address: string): boolean {
  return !isIpAddress(address) && !address.startsWith(UNIX_SOCKET);
}
