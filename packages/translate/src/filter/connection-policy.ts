/** What a DestinationRule says of whole connections to a host, which is the listener's business and not the cluster's. */
import type { TcpProxy } from "@heddle/envoy/extensions/filters/network/tcp_proxy/v3";
import { protoDuration, type TunnelSettings } from "@heddle/model";
import type { EffectivePolicy } from "../cluster/policy.ts";

export type ConnectionPolicy = Pick<
  TcpProxy,
  "hashPolicy" | "idleTimeout" | "maxDownstreamConnectionDuration" | "tunnelingConfig"
>;

/** `policy` is that of the destination's port and subset. */
export function connectionPolicy({
  connectionPool,
  loadBalancer,
  tunnel,
}: EffectivePolicy): ConnectionPolicy {
  const { idleTimeout, maxConnectionDuration } = connectionPool?.tcp ?? {};
  return {
    ...(idleTimeout === undefined ? {} : { idleTimeout: protoDuration(idleTimeout) }),
    ...(maxConnectionDuration === undefined
      ? {}
      : { maxDownstreamConnectionDuration: protoDuration(maxConnectionDuration) }),
    // A connection has no headers: where its client is, is all that it can be hashed by.
    ...(loadBalancer?.consistentHash?.useSourceIp ? { hashPolicy: [{ sourceIp: {} }] } : {}),
    ...(tunnel === undefined ? {} : { tunnelingConfig: tunneling(tunnel) }),
  };
}

/** Each connection becomes a CONNECT request, or a POST, to the destination: an HTTP proxy that goes on from there. */
function tunneling({ protocol, targetHost, targetPort }: TunnelSettings) {
  const host = targetHost.includes(":") ? `[${targetHost}]` : targetHost;
  return {
    hostname: `${host}:${targetPort}`,
    ...(protocol?.toUpperCase() === "POST" ? { usePost: true } : {}),
  };
}
