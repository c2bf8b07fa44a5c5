/** What a gateway's proxies listen for: the servers of all Gateways that select them, port by port. */
import type { Gateway, ServiceModel } from "@heddle/model";
import { derivation, type ModelReader } from "../read.ts";
import type { ProxyDescription } from "../proxy.ts";

export type Server = NonNullable<Gateway["servers"]>[number];

export interface GatewayServer {
  /** `namespace/name` of the Gateway. */
  readonly gateway: string;
  readonly namespace: string;
  readonly name: string;
  readonly server: Server;
  /** Where the proxy listens: the target port of the gateway's Service, else the server's own. */
  readonly port: number;
  /** The address that it binds; undefined for all. */
  readonly bind: string | undefined;
  readonly protocol: "HTTP" | "HTTPS";
  /** Name of the route configuration; servers for plain HTTP share one for each port. */
  readonly routeName: string;
}

/** What a gateway's configuration is chosen by; replicas have equal ones but for the address. */
export interface GatewayKey {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly address: string | undefined;
}

export function gatewayKeyOf(proxy: ProxyDescription): GatewayKey {
  return { namespace: proxy.namespace, labels: proxy.labels, address: proxy.addresses[0] };
}

/** Servers for HTTP and HTTPS, in the order of their Gateways' keys; servers of other protocols are left out. */
export const gatewayServers = derivation<GatewayKey, readonly GatewayServer[]>(
  "route/gateway-servers",
  ({ namespace, labels, address }) => `${namespace}|${labelText(labels)}|${address ?? ""}`,
  (read, { namespace, labels, address }) => {
    const services = address === undefined ? [] : read.servicesAt(address);
    return read.gateways(labels, namespace).flatMap(({ metadata, spec }) =>
      (spec.servers ?? []).flatMap((server): readonly GatewayServer[] => {
        const protocol = protocolOf(server);
        if (!protocol) return [];
        const port = listeningPort(read, services, server.port.number, address);
        const { name } = metadata;
        const routeName =
          protocol === "HTTP"
            ? `http.${port}`
            : `https.${port}.${server.port.name}.${name}.${metadata.namespace}`;
        const gateway = `${metadata.namespace}/${name}`;
        const bind = server.bind || undefined;
        return [
          { gateway, namespace: metadata.namespace, name, server, port, bind, protocol, routeName },
        ];
      }),
    );
  },
);

export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(",");
}

/** HTTPS that is passed through, TLS and TCP are routed by connection, which has no place here. */
function protocolOf({ port, tls }: Server): GatewayServer["protocol"] | undefined {
  switch (port.protocol.toUpperCase()) {
    case "HTTP":
    case "HTTP2":
    case "GRPC":
    case "GRPC-WEB":
      return "HTTP";
    case "HTTPS":
      return tls?.mode === "SIMPLE" ||
        tls?.mode === "MUTUAL" ||
        tls?.mode === "ISTIO_MUTUAL" ||
        tls?.mode === "OPTIONAL_MUTUAL"
        ? "HTTPS"
        : undefined;
    default:
      return undefined;
  }
}

function listeningPort(
  read: ModelReader,
  services: readonly ServiceModel[],
  number: number,
  address: string | undefined,
): number {
  for (const { host, ports } of services) {
    const mapped = ports.find(({ port }) => port === number);
    if (!mapped) continue;
    if (typeof mapped.targetPort === "number") return mapped.targetPort || number;
    const endpoint = read.endpoints(host, number).find((each) => each.address === address);
    if (endpoint) return endpoint.port;
  }
  return number;
}
