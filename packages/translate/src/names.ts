/** The names that Envoy resources go by; users and their tools know them from Istio, so they stay as Istio has them. */

/** `outbound|<port>|<subset>|<host>`: a service port, or one subset of it, as a client sees it. */
export function outboundCluster(host: string, port: number, subset = ""): string {
  return `outbound|${port}|${subset}|${host}`;
}

const OUTBOUND = String.raw`(?:outbound|fallback\.[^|\s"']+)\|\d+\|`;
const OUTBOUND_CLUSTER = new RegExp(`^${OUTBOUND}`);
const OUTBOUND_CLUSTERS = new RegExp(String.raw`${OUTBOUND}[^|\s"']*\|[^|\s"',]+`, "g");

/** Whether a cluster leads to what a client calls, by its name: a service, or what stands in for one. */
export function isOutboundCluster(name: string): boolean {
  return OUTBOUND_CLUSTER.test(name);
}

/** Those that a text names. */
export function outboundClustersIn(text: string): readonly string[] {
  return text.match(OUTBOUND_CLUSTERS) ?? [];
}

/** What a client's mutual TLS names a cluster by, as its server name: `outbound_.<port>_.<subset>_.<host>`. */
export function serverNameOfCluster(host: string, port: number, subset = ""): string {
  return `outbound_.${port}_.${subset}_.${host}`;
}

/** `inbound|<port>||`: a port that the workload itself listens on (the target port, not the service's). */
export function inboundCluster(targetPort: number): string {
  return `inbound|${targetPort}||`;
}

/** `default-endpoint|<endpoint>`: an application beside a gateway, which takes what no rule takes. */
export function defaultEndpointCluster(endpoint: string): string {
  return `default-endpoint|${endpoint}`;
}

/** Refuses every connection: it has no endpoint. */
export const BLACK_HOLE_CLUSTER = "BlackHoleCluster";
/** There is no such cluster: it stands for backends that could not be resolved. */
export const UNRESOLVED_CLUSTER = "UnresolvedBackend";
/** Connects to wherever the application was going, for destinations that no service names. */
export const PASSTHROUGH_CLUSTER = "PassthroughCluster";
/** Connects to the workload on the port that the client asked for, for ports that no service names. */
export const INBOUND_PASSTHROUGH_CLUSTER = "InboundPassthroughCluster";

/** Static cluster of the bootstrap: the agent's ADS. */
export const XDS_CLUSTER = "heddle-xds";
/** Static cluster of the bootstrap: the agent's OTLP gRPC receiver for access logs and spans. */
export const OTLP_CLUSTER = "heddle-otlp";
/** Static cluster of the bootstrap: leads nowhere; spans that are nobody's business go there. */
export const NOWHERE_CLUSTER = "heddle-nowhere";

export const VIRTUAL_OUTBOUND = "virtualOutbound";
export const VIRTUAL_INBOUND = "virtualInbound";
/** Listener and route of the explicit HTTP proxy that an application uses where traffic is not intercepted. */
export const HTTP_PROXY_LISTENER = "httpProxy";
export const HTTP_PROXY_ROUTE = "http_proxy";

const ASKED_TABLE = "on-demand.";

/** The name of a table of routes for those that ask for its virtual hosts: whoever goes over to it has both for a while. */
export function askedTable(table: string): string {
  return `${ASKED_TABLE}${table}`;
}

/** The table that such a name is of; undefined for other names. */
export function tableOfAsked(name: string): string | undefined {
  return name.startsWith(ASKED_TABLE) ? name.slice(ASKED_TABLE.length) : undefined;
}

/** Where iptables leads a pod's traffic in REDIRECT mode. */
export const OUTBOUND_CAPTURE_PORT = 15001;
export const INBOUND_CAPTURE_PORT = 15006;
/** The same for its questions to resolvers, where it asks the mesh's DNS. */
export const DNS_CAPTURE_PORT = 15053;
export const DNS_LISTENER = "dns";
export const DNS_TCP_LISTENER = "dns-tcp";

/** SDS: the workload's certificate and key, and the bundle that peers are verified against. */
export const WORKLOAD_SECRET = "default";
export const TRUST_BUNDLE_SECRET = "ROOTCA";

/** SDS: the certificate that a gateway server names by `credentialName`. */
export function gatewaySecret(namespace: string, credentialName: string): string {
  return credentialName.startsWith("kubernetes://")
    ? credentialName
    : `kubernetes://${namespace}/${credentialName}`;
}

/** SDS: the bundle that clients of a MUTUAL gateway server are verified against. */
export function gatewayClientCaSecret(namespace: string, credentialName: string): string {
  return `${gatewaySecret(namespace, credentialName)}-cacert`;
}

/** SDS: certificate and key that a DestinationRule names by `credentialName`, of the proxy's own namespace. */
export function clientSecret(credentialName: string): string {
  return credentialName.startsWith("kubernetes://")
    ? credentialName
    : `kubernetes://${credentialName}`;
}

/** SDS: the bundle that servers are verified against, by the same Secret. */
export function serverCaSecret(credentialName: string): string {
  return `${clientSecret(credentialName)}-cacert`;
}

/** SDS: the roots of public certificates, which the system of the agent trusts. */
export const SYSTEM_ROOTS_SECRET = "file-root:system";

/** Protocol names that a client of the mesh offers in TLS, so that a PERMISSIVE server can tell it from others. */
export const MESH_TCP_ALPN = ["istio", "istio-peer-exchange"] as const;
/** The same, of clients that say which HTTP is inside. */
export const MESH_HTTP_ALPN = ["istio-http/1.0", "istio-http/1.1", "istio-h2"] as const;

/** What a client's proxy offers: ours, and the HTTP version of the requests it sends; nothing more where it sends bytes. */
export function clientAlpn(traffic: "http1" | "http2" | "tcp"): readonly string[] {
  switch (traffic) {
    case "http1":
      return ["istio", "http/1.1"];
    case "http2":
      return ["istio", "h2"];
    case "tcp":
      return ["istio"];
  }
}
