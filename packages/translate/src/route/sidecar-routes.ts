/** Route configurations of a sidecar's outbound listeners and of gRPC clients. */
import type { RouteConfiguration, VirtualHost } from "@heddle/envoy/config/route/v3";
import { attempt } from "../engine/attempt.ts";
import { HTTP_PROXY_ROUTE } from "../names.ts";
import type { ProxyDescription } from "../proxy.ts";
import { type ClientView, derivation, type ModelReader } from "../read.ts";
import type { UnknownHosts } from "../form/egress.ts";
import { followsRulesOn, horizonOf, inSight, unknownHosts } from "../form/horizon.ts";
import {
  type BoundEgress,
  boundEgress,
  boundEgressNamed,
  entriesOf,
  tableOf,
} from "./bound-egress.ts";
import { fallbackVirtualHost } from "./fallback.ts";
import { labelText } from "./gateway-servers.ts";
import type { DomainForm } from "./domains.ts";
import { formOf, lostDomains, routeTable, type TableEntry, tablePart } from "./route-table.ts";
import { servicePorts } from "./service-ports.ts";
import { unservedVirtualHost } from "./unserved-host.ts";
import { virtualHost } from "./virtual-host.ts";

/** A port, `<host>:<port>` for a port whose protocol is sniffed, or `http_proxy`. */
export function sidecarRouteNames(
  read: ModelReader,
  proxy: ProxyDescription,
  view: ClientView,
): readonly string[] {
  const names = boundEgress(read, view).flatMap(({ http, routeName }) => (http ? [routeName] : []));
  if (proxy.interception === "REDIRECT") {
    const ports = read.get(servicePorts, horizonOf(read, view));
    for (const port of ports.http.keys()) names.push(String(port));
    for (const { host, port, anywhere, subnets } of ports.sniffed) {
      const inTable = subnets.length > 0 || (anywhere && !proxy.dnsCapture);
      if (!inTable) names.push(`${host}:${port}`);
    }
  }
  if (proxy.httpProxyPort !== undefined) names.push(HTTP_PROXY_ROUTE);
  return names.toSorted();
}

/** The route configuration of a name, shared by all clients that see the same; undefined if there is none for this one. */
export function sidecarRoute(
  read: ModelReader,
  view: ClientView,
  name: string,
): RouteConfiguration | undefined {
  const bound = boundEgressNamed(read, view, name);
  if (bound !== undefined) return read.get(boundRoute, { view, name, bound });
  const target = oneTarget(name);
  if (target !== undefined) {
    const { host, port } = target;
    return inSight(read, horizonOf(read, view), host, port)
      ? read.get(hostRoute, { view, name, ...target })
      : undefined;
  }
  if (name !== HTTP_PROXY_ROUTE) {
    const ports = read.get(servicePorts, horizonOf(read, view));
    if (!ports.http.has(Number(name))) return undefined;
  }
  const { homes, apart } = read.get(routeTable, name);
  const asAnybody = view.sidecar === undefined && !apart && !homes.has(view.namespace);
  return read.get(tableRoute, {
    view: asAnybody ? { ...view, namespace: "", labels: {} } : view,
    name,
  });
}

/** Derives one part of what the routes of a view are put together from, so that it is there when they are. */
export function prepareRoutes(read: ModelReader, view: ClientView, part: number): void {
  if (view.type !== "sidecar") return;
  if ((view.reach ?? "intercepted") !== "intercepted") {
    read.get(tablePart, { name: HTTP_PROXY_ROUTE, part });
    return;
  }
  for (const port of read.get(servicePorts, horizonOf(read, view)).http.keys()) {
    read.get(tablePart, { name: String(port), part });
  }
}

interface TableRouteKey {
  readonly view: ClientView;
  readonly name: string;
}

const tableRoute = derivation<TableRouteKey, RouteConfiguration>(
  "route/sidecar",
  ({ view, name }) => `${clientText(view)}|${name}`,
  (read, { view, name }) => {
    const { entries } = read.get(routeTable, name);
    const lost = read.get(lostDomains, name);
    const form = formOf(name);
    const horizon = horizonOf(read, view);
    const { sidecar } = horizon;
    const hosts: VirtualHost[] = [];
    for (const entry of entries) {
      const { host, port, homes, shared, unserved } = entry;
      // A Sidecar may leave a rule out that others follow.
      const own = shared === undefined || homes.includes(view.namespace) || sidecar !== undefined;
      if (own && unserved && !followsRulesOn(read, view, host, { port })) continue;
      if (own && !unserved && !inSight(read, horizon, host, port)) continue;
      const found = own ? ownVirtualHost(read, view, entry, form) : shared;
      const missing = lost.size === 0 ? undefined : lost.get(`${host}:${port}`);
      const left = found && (missing === undefined ? found : without(found, missing));
      if (left !== undefined) hosts.push(left);
    }
    return configuration(read, view, name, hosts);
  },
);

const boundRoute = derivation<TableRouteKey & { readonly bound: BoundEgress }, RouteConfiguration>(
  "route/bound-egress",
  ({ view, name, bound }) => `${clientText(view)}|${name}|${JSON.stringify(bound)}`,
  (read, { view, name, bound }) => {
    const form = formOf(tableOf(bound));
    const hosts = entriesOf(read, view, bound).flatMap(
      (entry) => ownVirtualHost(read, view, entry, form) ?? [],
    );
    return configuration(read, view, name, hosts);
  },
);

function ownVirtualHost(
  read: ModelReader,
  view: ClientView,
  { host, port, unserved }: TableEntry,
  form: DomainForm,
): VirtualHost | undefined {
  return attempt(() =>
    (unserved ? unservedVirtualHost : virtualHost)(read, view, host, port, form),
  );
}

const hostRoute = derivation<
  TableRouteKey & { readonly host: string; readonly port: number },
  RouteConfiguration | undefined
>(
  "route/sidecar-host",
  ({ view, name }) => `${clientText(view)}|${name}|${view.reach === "proxyless"}`,
  (read, { view, name, host, port }) => {
    const found = virtualHost(read, view, host, port, "listener");
    if (view.reach === "proxyless") return found && { name, virtualHosts: [found] };
    return found && configuration(read, view, name, [found]);
  },
);

/** The service and port of `<host>:<port>`. */
function oneTarget(name: string): { host: string; port: number } | undefined {
  const colon = name.lastIndexOf(":");
  return colon > 0
    ? { host: name.slice(0, colon), port: Number(name.slice(colon + 1)) }
    : undefined;
}

function configuration(
  read: ModelReader,
  view: ClientView,
  name: string,
  hosts: readonly VirtualHost[],
): RouteConfiguration {
  return {
    name,
    virtualHosts: [...hosts, fallbackVirtualHost(fallbackOf(read, view, name))],
    // A rule may name a cluster that is not there (yet): requests then fail, the rest of the table works on.
    validateClusters: false,
    maxDirectResponseBodySizeBytes: 1_048_576,
  };
}

function fallbackOf(read: ModelReader, view: ClientView, name: string): UnknownHosts {
  const found = unknownHosts(read, view);
  // Where nothing was intercepted there is no original destination to let a stranger's request through to.
  const explicit = name === HTTP_PROXY_ROUTE || name.startsWith("egress.");
  return explicit && found.proxy === undefined ? { policy: "REGISTRY_ONLY" } : found;
}

function clientText({ namespace, labels, sidecar = "" }: ClientView): string {
  return `${namespace}|${labelText(labels)}|${sidecar}`;
}

function without(host: VirtualHost, lost: ReadonlySet<string>): VirtualHost | undefined {
  const domains = (host.domains ?? []).filter((domain) => !lost.has(domain));
  return domains.length > 0 ? { ...host, domains } : undefined;
}
