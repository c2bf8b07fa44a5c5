/** Which protocol a port speaks, by Istio's rule: `appProtocol` first, then the prefix of the port's name. */
import type { ServicePortSpec } from "../kinds/kubernetes.ts";
import type { ServiceEntryPort } from "../kinds/service-entry.ts";
import type { Protocol } from "./types.ts";

const BY_NAME: Readonly<Record<string, Protocol>> = {
  http: "HTTP",
  http2: "HTTP2",
  grpc: "GRPC",
  "grpc-web": "GRPC-WEB",
  https: "HTTPS",
  tls: "TLS",
  tcp: "TCP",
  udp: "UDP",
  mongo: "MONGO",
  redis: "REDIS",
  mysql: "MYSQL",
};

/** Names of Kubernetes' own that Service.spec.ports.appProtocol may hold. */
const KUBERNETES_NAMES: Readonly<Record<string, Protocol>> = {
  "kubernetes.io/h2c": "HTTP2",
  "kubernetes.io/ws": "HTTP",
  "kubernetes.io/wss": "HTTPS",
};

// On these ports the server speaks first, so looking at the client's first bytes would hang: SMTP, DNS, MySQL, MongoDB.
const SERVER_SPEAKS_FIRST: ReadonlySet<number> = new Set([25, 53, 3306, 27017]);

const HTTP: ReadonlySet<Protocol> = new Set(["HTTP", "HTTP2", "GRPC", "GRPC-WEB"]);
const HTTP2: ReadonlySet<Protocol> = new Set(["HTTP2", "GRPC", "GRPC-WEB"]);
const TLS: ReadonlySet<Protocol> = new Set(["HTTPS", "TLS"]);

/**
 * The protocol of a service's port. A port that does not say is AUTO, except where the server is known to speak
 * first, which is TCP. UDP and SCTP do not pass through the mesh and are both UDP here.
 */
export function protocolOf(
  port: Pick<ServicePortSpec, "name" | "port" | "protocol" | "appProtocol">,
): Protocol {
  if (port.protocol === "UDP" || port.protocol === "SCTP") return "UDP";
  const told = port.appProtocol ?? port.name ?? "";
  const named =
    (port.appProtocol === undefined ? undefined : KUBERNETES_NAMES[told]) ?? protocolNamed(told);
  return named ?? (SERVER_SPEAKS_FIRST.has(port.port) ? "TCP" : "AUTO");
}

/** The protocol that a ServiceEntry's port names, in any case; AUTO where it names none, undefined where it is unknown. */
export function entryProtocol({
  protocol = "",
}: Pick<ServiceEntryPort, "protocol">): Protocol | undefined {
  if (protocol === "") return "AUTO";
  const lower = protocol.toLowerCase();
  if (lower === "http_proxy") return "HTTP";
  return Object.hasOwn(BY_NAME, lower) ? BY_NAME[lower] : undefined;
}

/** The protocol that a name such as `http-web` or `GRPC` begins with; undefined where it says nothing. */
export function protocolNamed(name: string): Protocol | undefined {
  const lower = name.toLowerCase();
  if (lower.startsWith("grpc-web")) return "GRPC-WEB";
  const dash = lower.indexOf("-");
  const prefix = dash < 0 ? lower : lower.slice(0, dash);
  return Object.hasOwn(BY_NAME, prefix) ? BY_NAME[prefix] : undefined;
}

/** Requests of this protocol are routed one by one. */
export function isHttp(protocol: Protocol): boolean {
  return HTTP.has(protocol);
}

/** HTTP/2 underneath. */
export function isHttp2(protocol: Protocol): boolean {
  return HTTP2.has(protocol);
}

/** The client itself speaks TLS. */
export function isTls(protocol: Protocol): boolean {
  return TLS.has(protocol);
}
