/** Fields that no request can show, each with the reason. */
const KEEPALIVE =
  "an option of the socket, seen only when a peer's machine vanishes; written down in testdata/traffic-policies";

export const withoutTraffic: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  DestinationRule: {
    "trafficPolicy.connectionPool.tcp.tcpKeepalive.probes": KEEPALIVE,
    "trafficPolicy.connectionPool.tcp.tcpKeepalive.time": KEEPALIVE,
    "trafficPolicy.connectionPool.tcp.tcpKeepalive.interval": KEEPALIVE,
  },
  Gateway: {
    "servers[].port.name":
      "a name for people and for patches, unlike those of the Gateway's other ports",
  },
};
