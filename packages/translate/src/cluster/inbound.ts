/** The clusters by which a proxy reaches the workload that it stands in front of. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import { type ConnectionPoolSettings, isHttp, isHttp2 } from "@heddle/model";
import { socketAddress } from "../listener/address.ts";
import { inboundCluster as clusterName } from "../names.ts";
import type { ProxyDescription } from "../proxy.ts";
import { derivation } from "../read.ts";
import type { InboundPort } from "../resources.ts";
import { poolLimits } from "./connection-pool.ts";
import { commonOptions } from "./http-protocol.ts";
import { clusterMetadata } from "../telemetry/peer.ts";

export interface InboundKey {
  readonly appAddress: string;
  readonly port: InboundPort;
}

const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** Shared by all pods of a workload where the application listens on loopback. */
export const inboundCluster = derivation<InboundKey, Cluster>(
  "cluster/inbound",
  ({ appAddress, port: { targetPort, protocol, service, endpoint, pool } }) =>
    [
      appAddress,
      targetPort,
      protocol,
      service.namespace,
      service.host,
      service.name,
      JSON.stringify([endpoint, pool]),
    ].join("|"),
  (_read, { appAddress, port: { targetPort, protocol, service, endpoint, pool } }) => {
    const name = clusterName(targetPort);
    const { address, port } = endpoint ?? { address: appAddress, port: targetPort };
    return {
      name,
      type: "STATIC",
      // The application decides how much it takes; Envoy's own limits would answer 503 in its place.
      ...poolLimits(pool, undefined),
      loadAssignment: {
        clusterName: name,
        endpoints: [{ lbEndpoints: [{ endpoint: { address: socketAddress(address, port) } }] }],
      },
      metadata: clusterMetadata(service),
      ...httpOptions(protocol, pool),
    };
  },
);

/** The application is spoken to as its clients speak, unless its port says HTTP/2. */
function httpOptions(
  protocol: InboundPort["protocol"],
  { http = {}, tcp = {} }: ConnectionPoolSettings = {},
): Pick<Cluster, "typedExtensionProtocolOptions"> {
  const common = commonOptions(http, tcp);
  const version = isHttp2(protocol)
    ? { explicitHttpConfig: { http2ProtocolOptions: {} } }
    : protocol === "AUTO"
      ? { useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} } }
      : common && isHttp(protocol)
        ? { explicitHttpConfig: { httpProtocolOptions: {} } }
        : undefined;
  if (version === undefined) return {};
  return {
    typedExtensionProtocolOptions: {
      [HTTP_OPTIONS]: {
        "@type": `type.googleapis.com/${HTTP_OPTIONS}`,
        ...(common === undefined ? {} : { commonHttpProtocolOptions: common }),
        ...version,
      },
    },
  };
}

/** One cluster a target port; two services on one port share the first one's. */
export function inboundKeys(proxy: ProxyDescription, ports: readonly InboundPort[]): InboundKey[] {
  const byPort = new Map<number, InboundPort>();
  for (const port of ports) if (!byPort.has(port.targetPort)) byPort.set(port.targetPort, port);
  return [...byPort.values()].map((port) => ({ appAddress: proxy.appAddress, port }));
}
