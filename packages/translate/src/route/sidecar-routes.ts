/** Route configurations of a sidecar's outbound listeners and of gRPC clients. */
import type { RouteConfiguration, VirtualHost } from "@heddle/envoy/config/route/v3";
import { attempt } from "../engine/attempt.ts";
import { askedTable, HTTP_PROXY_ROUTE, tableOfAsked } from "../names.ts";
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
import { ADS } from "../ads.ts";
import { askedPattern, authoritiesOf, domainsFor } from "../on-demand/authorities.ts";
import {
  entriesFor,
  namingOf,
  standing,
  standingEntries,
  tableNameOf,
} from "../on-demand/table.ts";
import {
  asAsked,
  conclusive,
  isPlaceholder,
  partsOfName,
  patient,
  placeholder,
} from "../on-demand/virtual-hosts.ts";
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
    for (const port of ports.http.keys()) names.push(tableNameOf(read, view, String(port)));
    for (const { host, port, anywhere, subnets } of ports.sniffed) {
      const inTable = subnets.length > 0 || (anywhere && !proxy.dnsCapture);
      if (!inTable) names.push(`${host}:${port}`);
    }
  }
  if (proxy.httpProxyPort !== undefined) names.push(tableNameOf(read, view, HTTP_PROXY_ROUTE));
  return names.toSorted();
}

/** The route configuration of a name, shared by all clients that see the same; undefined if there is none for this one. */
export function sidecarRoute(
  read: ModelReader,
  view: ClientView,
  name: string,
): RouteConfiguration | undefined {
  const table = tableOfAsked(name);
  if (table !== undefined)
    return hasTable(read, view, table) ? read.get(onDemandRoute, { view, name: table }) : undefined;
  const bound = boundEgressNamed(read, view, name);
  if (bound !== undefined) return read.get(boundRoute, { view, name, bound });
  const target = oneTarget(name);
  if (target !== undefined) {
    const { host, port } = target;
    return inSight(read, horizonOf(read, view), host, port)
      ? read.get(hostRoute, { view, name, ...target })
      : undefined;
  }
  if (!hasTable(read, view, name)) return undefined;
  const { homes, apart } = read.get(routeTable, name);
  const asAnybody = view.sidecar === undefined && !apart && !homes.has(view.namespace);
  return read.get(tableRoute, {
    view: asAnybody ? { ...view, namespace: "", labels: {} } : view,
    name,
  });
}

function hasTable(read: ModelReader, view: ClientView, name: string): boolean {
  if (name === HTTP_PROXY_ROUTE) return true;
  return read.get(servicePorts, horizonOf(read, view)).http.has(Number(name));
}

/** A virtual host that the client asks for by `<route>/<authority>`; undefined for a table that nobody asks of. */
export function askedVirtualHost(
  read: ModelReader,
  view: ClientView,
  resource: string,
): VirtualHost | undefined {
  const { route = "", authority = "" } = partsOfName(resource) ?? {};
  const name = tableOfAsked(route);
  if (name === undefined || !hasTable(read, view, name)) return undefined;
  if (isPlaceholder(resource)) return placeholder(route);
  const { isAsked } = authoritiesOf(namingOf(read, name));
  return isAsked(authority) ? read.get(askedHost, { view, name, authority }) : undefined;
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
  (read, { view, name }) =>
    configuration(read, view, name, hostsOf(read, view, name, read.get(routeTable, name).entries)),
);

/** The table of a client that asks for virtual hosts: what nobody asks for is in it. */
const onDemandRoute = derivation<TableRouteKey, RouteConfiguration>(
  "route/on-demand",
  ({ view, name }) => `${clientText(view)}|${name}`,
  (read, { view, name }) => {
    const entries = standingEntries(read, name);
    const naming = namingOf(read, name);
    const authorities = authoritiesOf(naming);
    const hosts = hostsOf(read, view, name, entries).flatMap(
      (host) => standing(authorities, host) ?? [],
    );
    const but = askedPattern(naming);
    return {
      ...configuration(read, view, name, []),
      name: askedTable(name),
      virtualHosts: [
        ...hosts.map(conclusive),
        patient(fallbackVirtualHost(fallbackOf(read, view, name), but)),
      ],
      vhds: { configSource: ADS },
    };
  },
);

/** What a client means by an authority in a table: a host that it sees there, or one that nobody knows. */
const askedHost = derivation<TableRouteKey & { readonly authority: string }, VirtualHost>(
  "route/asked-host",
  ({ view, name, authority }) => `${clientText(view)}|${name}|${authority}`,
  (read, { view, name, authority }) => {
    const entries = entriesFor(read, { name, authority, namespace: view.namespace });
    const hosts = hostsOf(read, view, name, entries);
    const found = domainsFor(authority)
      .map((domain) => hosts.find(({ domains = [] }) => domains.includes(domain)))
      .find((host) => host !== undefined);
    const stranger = () => fallbackVirtualHost(fallbackOf(read, view, name));
    return asAsked(found ?? stranger(), `${askedTable(name)}/${authority}`, authority);
  },
);

/** What a client sees of entries of a table. */
function hostsOf(
  read: ModelReader,
  view: ClientView,
  name: string,
  entries: readonly TableEntry[],
): readonly VirtualHost[] {
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
  return hosts;
}

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
