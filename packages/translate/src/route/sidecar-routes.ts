/** Route configurations of a sidecar's outbound listeners and of gRPC clients. */
import type { RouteConfiguration, VirtualHost } from "@heddle/envoy/config/route/v3";
import { HTTP_PROXY_ROUTE } from "../names.ts";
import type { ProxyDescription } from "../proxy.ts";
import { type ClientView, derivation, type ModelReader } from "../read.ts";
import type { DomainForm } from "./domains.ts";
import { fallbackVirtualHost } from "./fallback.ts";
import { servicePorts } from "./service-ports.ts";
import { virtualHost } from "./virtual-host.ts";

/** A port, `<host>:<port>` for a port whose protocol is sniffed, or `http_proxy`. */
export function sidecarRouteNames(
  read: ModelReader,
  proxy: ProxyDescription,
  view: ClientView,
): readonly string[] {
  const names: string[] = [];
  if (proxy.interception === "REDIRECT") {
    const ports = read.get(servicePorts, view.namespace);
    for (const port of ports.http.keys()) names.push(String(port));
    for (const { host, port } of ports.sniffed) names.push(`${host}:${port}`);
  }
  if (proxy.httpProxyPort !== undefined) names.push(HTTP_PROXY_ROUTE);
  return names.toSorted();
}

export interface SidecarRouteKey {
  readonly view: ClientView;
  readonly name: string;
}

export const sidecarRoute = derivation<SidecarRouteKey, RouteConfiguration | undefined>(
  "route/sidecar",
  ({ view, name }) => `${view.key}|${name}`,
  (read, { view, name }) => {
    const targets = targetsOf(read, view, name);
    if (!targets) return undefined;
    const form: DomainForm = name === HTTP_PROXY_ROUTE ? "proxy" : "listener";
    const hosts = targets
      .map(([host, port]) => virtualHost(read, view, host, port, form))
      .filter((each) => each !== undefined);
    return {
      name,
      // Where nothing was intercepted there is no original destination to let a stranger's request through to.
      virtualHosts: [
        ...withUniqueDomains(hosts),
        fallbackVirtualHost(
          name === HTTP_PROXY_ROUTE ? "REGISTRY_ONLY" : read.mesh.outboundTrafficPolicy,
        ),
      ],
      // A rule may name a cluster that is not there (yet): requests then fail, the rest of the table works on.
      validateClusters: false,
      maxDirectResponseBodySizeBytes: 1_048_576,
    };
  },
);

function targetsOf(
  read: ModelReader,
  view: ClientView,
  name: string,
): readonly (readonly [string, number])[] | undefined {
  if (name === HTTP_PROXY_ROUTE) {
    const { http, sniffed } = read.get(servicePorts, view.namespace);
    return [
      ...[...http].flatMap(([port, hosts]) => hosts.map((host) => [host, port] as const)),
      ...sniffed.map(({ host, port }) => [host, port] as const),
    ];
  }
  const colon = name.lastIndexOf(":");
  if (colon > 0) {
    const host = name.slice(0, colon);
    const port = Number(name.slice(colon + 1));
    return virtualHost(read, view, host, port, "listener") ? [[host, port]] : undefined;
  }
  const port = Number(name);
  return read
    .get(servicePorts, view.namespace)
    .http.get(port)
    ?.map((host) => [host, port] as const);
}

/** Envoy refuses a whole table for one domain that occurs twice: the first virtual host keeps it. */
export function withUniqueDomains(hosts: readonly VirtualHost[]): readonly VirtualHost[] {
  const taken = new Set<string>();
  return hosts.flatMap((host) => {
    const domains = host.domains ?? [];
    const free = domains.filter((domain) => !taken.has(domain.toLowerCase()));
    for (const domain of free) taken.add(domain.toLowerCase());
    if (free.length === domains.length) return [host];
    return free.length > 0 ? [{ ...host, domains: free }] : [];
  });
}
