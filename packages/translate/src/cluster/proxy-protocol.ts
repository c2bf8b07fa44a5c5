/** Tells endpoints who connected, by a PROXY protocol header in front of everything else. */
import type { TransportSocket } from "@heddle/envoy/config/core/v3";
import type { ClusterFeature } from "./feature.ts";
import { RAW_BUFFER } from "./tls.ts";

const TYPE =
  "type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport";

export const proxyProtocol: ClusterFeature = {
  name: "proxy protocol",
  apply(cluster, { policy, reach }) {
    if (policy.proxyProtocol === undefined || reach === "proxyless") return cluster;
    const version = policy.proxyProtocol.version ?? "V1";
    const wrap = (inner: TransportSocket = RAW_BUFFER): TransportSocket => ({
      name: "envoy.transport_sockets.upstream_proxy_protocol",
      typedConfig: { "@type": TYPE, config: { version }, transportSocket: inner },
    });
    const { transportSocketMatches: matches } = cluster;
    if (matches === undefined)
      return { ...cluster, transportSocket: wrap(cluster.transportSocket) };
    return {
      ...cluster,
      transportSocketMatches: matches.map((match) => ({
        ...match,
        transportSocket: wrap(match.transportSocket),
      })),
    };
  },
};
