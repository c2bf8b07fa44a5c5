/**
 * UDP at a gateway: a listener for each port, and a cluster with the endpoints of all the services that its route sends to, by
 * weight, since Envoy shares out datagrams only within one cluster. A backend that is not there leaves its share to the others.
 */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import type { ClusterLoadAssignment } from "@heddle/envoy/config/endpoint/v3";
import type { Listener } from "@heddle/envoy/config/listener/v3";
import type { Route, UdpProxyConfig } from "@heddle/envoy/extensions/filters/udp/udp_proxy/v3";
import { ADS } from "../ads.ts";
import { rulesOfGateway } from "../form/rules.ts";
import type { ConnectionDestination } from "../form/rule-set.ts";
import type { ProxyDescription } from "../proxy.ts";
import type { ModelReader } from "../read.ts";
import { type GatewayServer, gatewayKeyOf, gatewayServers } from "../route/gateway-servers.ts";
import { extension, typedConfig } from "../typed-config.ts";
import { ANY_ADDRESS } from "./address.ts";

/** A listener without a route is there and passes nothing on. */
export function datagramListeners(read: ModelReader, proxy: ProxyDescription): readonly Listener[] {
  const fallback =
    proxy.interception === "NONE" ? (proxy.addresses[0] ?? ANY_ADDRESS) : ANY_ADDRESS;
  return datagramServers(read, proxy).map(({ listener: { bind }, port }): Listener => {
    const address = bind ?? fallback;
    const cluster = clusterName(port);
    // Envoy calls the matcher unfinished and the plain field before it deprecated: there is no third way.
    const config: UdpProxyConfig = {
      statPrefix: cluster,
      matcher: {
        onNoMatch: {
          action: extension<Route>("route", "envoy.extensions.filters.udp.udp_proxy.v3.Route", {
            cluster,
          }),
        },
      },
    };
    return {
      name: `udp_${address}_${port}`,
      address: { socketAddress: { protocol: "UDP", address, portValue: port } },
      udpListenerConfig: { downstreamSocketConfig: {} },
      trafficDirection: "OUTBOUND",
      listenerFilters: [
        {
          name: "envoy.filters.udp_listener.udp_proxy",
          typedConfig: typedConfig<UdpProxyConfig>(
            "envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig",
            config,
          ),
        },
      ],
    };
  });
}

export interface DatagramCluster {
  readonly cluster: Cluster;
  readonly assignment: ClusterLoadAssignment;
}

/** One for each port that some listener wants for UDP. */
export function datagramClusters(
  read: ModelReader,
  proxy: ProxyDescription,
): readonly DatagramCluster[] {
  return datagramServers(read, proxy).map(({ listener, port }) => {
    const name = clusterName(port);
    const [rules] = rulesOfGateway(read, listener.gateway);
    const destinations = rules?.tcp[0]?.destinations ?? [];
    return {
      cluster: {
        name,
        type: "EDS",
        edsClusterConfig: { edsConfig: ADS, serviceName: name },
        commonLbConfig: { localityWeightedLbConfig: {} },
      },
      assignment: {
        clusterName: name,
        endpoints: destinations.flatMap((each) => endpointsOf(read, each)),
      },
    };
  });
}

function endpointsOf(
  read: ModelReader,
  { host, port, weight }: ConnectionDestination,
): NonNullable<ClusterLoadAssignment["endpoints"]> {
  const service = read.service(host);
  if (service === undefined || port === undefined || weight === 0) return [];
  const endpoints = read.endpoints(service, port);
  if (endpoints.length === 0) return [];
  return [
    {
      // A place of its own for each service: shares are by place.
      locality: { subZone: `${host}:${port}` },
      loadBalancingWeight: weight,
      lbEndpoints: endpoints.map(({ address, port: portValue }) => ({
        endpoint: { address: { socketAddress: { protocol: "UDP", address, portValue } } },
      })),
    },
  ];
}

/** The first of several for one port keeps it. */
function datagramServers(read: ModelReader, proxy: ProxyDescription): readonly GatewayServer[] {
  const taken = new Set<number>();
  return read.get(gatewayServers, gatewayKeyOf(proxy)).filter(({ listener, port }) => {
    if (listener.protocol !== "UDP" || taken.has(port)) return false;
    taken.add(port);
    return true;
  });
}

function clusterName(port: number): string {
  return `datagrams|${port}`;
}
