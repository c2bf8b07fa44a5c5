/** The clusters by which a proxy reaches the workload that it stands in front of. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import { isHttp2 } from "@heddle/model";
import { inboundCluster as clusterName } from "../names.ts";
import type { ProxyDescription } from "../proxy.ts";
import { derivation } from "../read.ts";
import type { InboundPort } from "../resources.ts";
import { clusterMetadata } from "../telemetry/peer.ts";

export interface InboundKey {
  readonly appAddress: string;
  readonly port: InboundPort;
}

const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** Shared by all pods of a workload where the application listens on loopback. */
export const inboundCluster = derivation<InboundKey, Cluster>(
  "cluster/inbound",
  ({ appAddress, port: { targetPort, protocol, service } }) =>
    `${appAddress}|${targetPort}|${protocol}|${service.host}`,
  (_read, { appAddress, port: { targetPort, protocol, service } }) => {
    const name = clusterName(targetPort);
    return {
      name,
      type: "STATIC",
      connectTimeout: "10s",
      loadAssignment: {
        clusterName: name,
        endpoints: [{ lbEndpoints: [{ endpoint: { address: socket(appAddress, targetPort) } }] }],
      },
      // The application decides how much it takes; Envoy's own limits would answer 503 in its place.
      circuitBreakers: { thresholds: [UNLIMITED] },
      metadata: clusterMetadata(service),
      ...httpOptions(protocol),
    };
  },
);

const UNLIMITED = {
  maxConnections: 4_294_967_295,
  maxPendingRequests: 4_294_967_295,
  maxRequests: 4_294_967_295,
  maxRetries: 4_294_967_295,
  trackRemaining: true,
};

/** The application is spoken to as its clients speak, unless its port says HTTP/2. */
function httpOptions(
  protocol: InboundPort["protocol"],
): Pick<Cluster, "typedExtensionProtocolOptions"> {
  const version = isHttp2(protocol)
    ? { explicitHttpConfig: { http2ProtocolOptions: {} } }
    : protocol === "AUTO"
      ? { useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} } }
      : undefined;
  if (version === undefined) return {};
  return {
    typedExtensionProtocolOptions: {
      [HTTP_OPTIONS]: { "@type": `type.googleapis.com/${HTTP_OPTIONS}`, ...version },
    },
  };
}

/** One cluster a target port; two services on one port share the first one's. */
export function inboundKeys(proxy: ProxyDescription, ports: readonly InboundPort[]): InboundKey[] {
  const byPort = new Map<number, InboundPort>();
  for (const port of ports) if (!byPort.has(port.targetPort)) byPort.set(port.targetPort, port);
  return [...byPort.values()].map((port) => ({ appAddress: proxy.appAddress, port }));
}

function socket(
  address: string,
  portValue: number,
): { socketAddress: { address: string; portValue: number } } {
  return { socketAddress: { address, portValue } };
}
