/** The clusters by which a gateway reaches applications beside it that take what no rule takes. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import { socketAddress } from "../listener/address.ts";
import { defaultEndpointCluster } from "../names.ts";
import type { ProxyDescription } from "../proxy.ts";
import type { ModelReader } from "../read.ts";
import { gatewayKeyOf, gatewayServers } from "../route/gateway-servers.ts";
import { strangerMetadata } from "../telemetry/peer.ts";

const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** One for each endpoint that a server of the proxy's gateways names. */
export function defaultEndpointClusters(
  read: ModelReader,
  proxy: ProxyDescription,
): readonly Cluster[] {
  const endpoints = read
    .get(gatewayServers, gatewayKeyOf(proxy))
    .flatMap(({ listener }) => listener.defaultEndpoint ?? []);
  return [...new Set(endpoints)].map(clusterOf);
}

function clusterOf(endpoint: string): Cluster {
  const name = defaultEndpointCluster(endpoint);
  return {
    name,
    type: "STATIC",
    connectTimeout: "10s",
    loadAssignment: {
      clusterName: name,
      endpoints: [{ lbEndpoints: [{ endpoint: { address: addressOf(endpoint) } }] }],
    },
    metadata: strangerMetadata(name),
    typedExtensionProtocolOptions: {
      [HTTP_OPTIONS]: {
        "@type": `type.googleapis.com/${HTTP_OPTIONS}`,
        useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
      },
    },
  };
}

function addressOf(endpoint: string): ReturnType<typeof socketAddress> {
  if (endpoint.startsWith("unix://")) return socketAddress(endpoint, 0);
  const colon = endpoint.lastIndexOf(":");
  const address = endpoint.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return socketAddress(address, Number(endpoint.slice(colon + 1)));
}
