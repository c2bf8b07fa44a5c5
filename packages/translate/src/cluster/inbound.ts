/** The clusters by which a proxy reaches the workload that it stands in front of. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import { type ConnectionPoolSettings, type HTTPSettings, isHttp, isHttp2 } from "@heddle/model";
import { socketAddress } from "../listener/address.ts";
import { inboundCluster as clusterName } from "../names.ts";
import type { ProxyDescription } from "../proxy.ts";
import { derivation } from "../read.ts";
import type { InboundPort } from "../resources.ts";
import { poolLimits } from "./connection-pool.ts";
import { commonOptions, httpVersion, type UpstreamHttp } from "./http-protocol.ts";
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

function httpOptions(
  protocol: InboundPort["protocol"],
  { http = {}, tcp = {} }: ConnectionPoolSettings = {},
): Pick<Cluster, "typedExtensionProtocolOptions"> {
  const common = commonOptions(http, tcp);
  const kind = applicationHttp(protocol, http);
  // HTTP/1.1 with nothing else to say is what Envoy does without the extension.
  if (kind === "none" || (kind === "http1" && common === undefined)) return {};
  return {
    typedExtensionProtocolOptions: {
      [HTTP_OPTIONS]: {
        "@type": `type.googleapis.com/${HTTP_OPTIONS}`,
        ...(common === undefined ? {} : { commonHttpProtocolOptions: common }),
        ...httpVersion(kind, http),
      },
    },
  };
}

/** The application is spoken to as its port says, or as its clients speak where it does not say, or they are to be followed. */
function applicationHttp(
  protocol: InboundPort["protocol"],
  { useClientProtocol }: HTTPSettings,
): UpstreamHttp {
  if (protocol === "AUTO") return "client";
  if (!isHttp(protocol)) return "none";
  if (useClientProtocol === true) return "client";
  return isHttp2(protocol) ? "http2" : "http1";
}

/** One cluster a target port; two services on one port share the first one's. */
export function inboundKeys(proxy: ProxyDescription, ports: readonly InboundPort[]): InboundKey[] {
  const byPort = new Map<number, InboundPort>();
  for (const port of ports) if (!byPort.has(port.targetPort)) byPort.set(port.targetPort, port);
  return [...byPort.values()].map((port) => ({ appAddress: proxy.appAddress, port }));
}
