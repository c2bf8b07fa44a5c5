/** Where a gateway's proxies listen, and for what: the listeners of all gateways that they serve, port by port. */
import type { ServiceModel } from "@heddle/model";
import type { GatewayListener } from "../form/gateway-listener.ts";
import { listenersOfProxy } from "../form/listeners.ts";
import { derivation, type ModelReader } from "../read.ts";
import type { ProxyDescription } from "../proxy.ts";

export interface GatewayServer {
  readonly listener: GatewayListener;
  /** Where the proxy listens: the target port of the gateway's Service, else the listener's own. */
  readonly port: number;
  /** Name of the route configuration; servers for plain HTTP share one for each address and port. */
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

/** In the order of `listenersOfProxy`. */
export const gatewayServers = derivation<GatewayKey, readonly GatewayServer[]>(
  "route/gateway-servers",
  ({ namespace, labels, address }) => `${namespace}|${labelText(labels)}|${address ?? ""}`,
  (read, { namespace, labels, address }) => {
    const services = address === undefined ? [] : read.servicesAt(address);
    return listenersOfProxy(read, labels, namespace, services).map((listener): GatewayServer => {
      const port = listeningPort(read, services, listener.port, address);
      return { listener, port, routeName: routeNameOf(listener, port) };
    });
  },
);

export function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(",");
}

function routeNameOf({ protocol, section, origin, bind }: GatewayListener, port: number): string {
  const address = bind === undefined ? "" : `.${bind}`;
  return protocol === "HTTP"
    ? `http.${port}${address}`
    : `https.${port}.${section}.${origin.name}.${origin.namespace}${address}`;
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
