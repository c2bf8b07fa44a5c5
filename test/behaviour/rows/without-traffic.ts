/** Fields that no request can show, each with the reason. */
const KEEPALIVE =
  "an option of the socket, seen only when a peer's machine vanishes; written down in";

const RULE_NAME = "a name for people: nothing else refers to rules of connections";

export const withoutTraffic: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  DestinationRule: {
    "trafficPolicy.connectionPool.tcp.tcpKeepalive.probes": `${KEEPALIVE} testdata/traffic-policies`,
    "trafficPolicy.connectionPool.tcp.tcpKeepalive.time": `${KEEPALIVE} testdata/traffic-policies`,
    "trafficPolicy.connectionPool.tcp.tcpKeepalive.interval": `${KEEPALIVE} testdata/traffic-policies`,
  },
  MeshSettings: {
    "extensionProviders[].envoyExtAuthzHttp.includeRequestBodyInCheck.packAsBytes":
      "a body that is sent by HTTP is bytes anyhow: Envoy reads it for its own protocol alone",
  },
  TLSRoute: { "rules[].name": RULE_NAME },
  TCPRoute: { "rules[].name": RULE_NAME },
  UDPRoute: { "rules[].name": RULE_NAME },
  GatewayClass: {
    description: "words for people",
  },
  Gateway: {
    "servers[].port.name":
      "a name for people and for patches, unlike those of the Gateway's other ports",
  },
  Sidecar: {
    "ingress[].connectionPool.tcp.tcpKeepalive.probes": `${KEEPALIVE} testdata/sidecar-ingress`,
    "ingress[].connectionPool.tcp.tcpKeepalive.time": `${KEEPALIVE} testdata/sidecar-ingress`,
    "ingress[].connectionPool.tcp.tcpKeepalive.interval": `${KEEPALIVE} testdata/sidecar-ingress`,
  },
};
