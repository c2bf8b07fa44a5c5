/** Which parents take a route, through which of their listeners, and for which hosts. */
import { hostMatches, serviceHost } from "../host.ts";
import type * as GatewayApi from "../kinds/gateway-api/index.ts";
import type { ServiceEntry } from "../kinds/service-entry.ts";
import { groupOf } from "../object.ts";
import { ourGateway } from "./gateway-class.ts";
import { commonHosts } from "./hosts.ts";
import { isNamespaceAllowed, type ListenerEntry } from "./listeners.ts";
import { gatewayOfSet } from "./places.ts";
import {
  EXPERIMENTAL_GATEWAY_API,
  GATEWAY_API,
  type GatewayApiReader,
  parentKey,
  rivalKey,
  type RouteKind,
  type RouteObject,
} from "./reader.ts";

export type RefusalReason =
  | "NotAllowedByListeners"
  | "NoMatchingListenerHostname"
  | "NoMatchingParent"
  /** Ours: the Gateway API names none for a route that came too late. */
  | "HostnameConflict";

export type ParentState =
  /** Not ours to say anything of: a Gateway of another class, a kind that we do not know. */
  | { readonly state: "foreign" }
  | { readonly state: "refused"; readonly reason: RefusalReason; readonly message: string }
  | { readonly state: "attached"; readonly listeners: readonly AttachedListener[] }
  /** A Service of the mesh, or a ServiceEntry: the route decides for its clients. */
  | {
      readonly state: "mesh";
      /** Full names: of a Service one, of a ServiceEntry all that it has. */
      readonly hosts: readonly string[];
      readonly port?: number;
    };

export interface AttachedListener {
  readonly entry: ListenerEntry;
  /** Never empty. */
  readonly hosts: readonly string[];
}

/** What becomes of one parent reference of a route. */
export function parentState(
  read: GatewayApiReader,
  route: RouteObject,
  parent: GatewayApi.ParentReference,
): ParentState {
  const found = listenersTaking(read, route, parent);
  if (found.state !== "attached") return found;
  const rivals = read.routeRivals(parentKey(parent, route.metadata.namespace));
  if (rivals.size === 0) return found;
  const rivalAt = ({ entry }: AttachedListener) => rivals.get(rivalKey(route, entry.listener.name));
  const listeners = found.listeners.filter((each) => !rivalAt(each));
  if (listeners.length > 0) return { state: "attached", listeners };
  const [first] = found.listeners;
  const rival = first && rivalAt(first);
  if (!first || !rival) return found;
  const { kind, metadata } = rival;
  return {
    state: "refused",
    reason: "HostnameConflict",
    message: `${kind} ${metadata.namespace}/${metadata.name}, which is older, has ${first.hosts.join(", ")} of listener ${first.entry.listener.name}, and a listener takes only one kind of route for a host`,
  };
}

/** The same, but for HTTPRoutes and GRPCRoutes that get into each other's way. */
export function listenersTaking(
  read: GatewayApiReader,
  route: RouteObject,
  parent: GatewayApi.ParentReference,
): ParentState {
  const { group = GATEWAY_API, kind = "Gateway", name } = parent;
  const namespace = parent.namespace ?? route.metadata.namespace;
  if (group === "" && kind === "Service") return meshParent(read, route, parent, namespace);
  if (group === ISTIO && kind === "ServiceEntry") {
    return entryParent(read, route, parent, namespace);
  }
  if (group === GATEWAY_API && kind === "Gateway") {
    const gateway = `${namespace}/${name}`;
    if (ourGateway(read, gateway) === undefined) return missingGateway(read, gateway);
    return attach(read, route, parent, gatewaysOwn(read.listeners(gateway)));
  }
  const isSet =
    (group === GATEWAY_API && kind === "ListenerSet") ||
    (group === EXPERIMENTAL_GATEWAY_API && kind === "XListenerSet");
  if (!isSet) return { state: "foreign" };
  const set = read.object<GatewayApi.ListenerSet>(`${group}/${kind}/${namespace}/${name}`);
  if (set === undefined) return noParent(`there is no ${kind} ${namespace}/${name}`);
  const gateway = gatewayOfSet(set.spec, namespace);
  if (gateway === undefined) return { state: "foreign" };
  if (ourGateway(read, gateway) === undefined) return missingGateway(read, gateway);
  const own = read
    .listeners(gateway)
    .filter(
      ({ owner }) =>
        owner.kind === kind &&
        owner.metadata.namespace === namespace &&
        owner.metadata.name === name,
    );
  return attach(read, route, parent, own);
}

function gatewaysOwn(entries: readonly ListenerEntry[]): readonly ListenerEntry[] {
  return entries.filter(({ owner }) => owner.kind === "Gateway");
}

/** Of a class that is not ours, or whose class nobody knows, we say nothing; of one that is not there at all we do. */
function missingGateway(read: GatewayApiReader, gateway: string): ParentState {
  const known = read.object(`${GATEWAY_API}/Gateway/${gateway}`) !== undefined;
  return known ? { state: "foreign" } : noParent(`there is no Gateway ${gateway}`);
}

function noParent(message: string): ParentState {
  return { state: "refused", reason: "NoMatchingParent", message };
}

/** Istio's group: a route may decide for hosts outside of the mesh as well. */
const ISTIO = "networking.istio.io";

const NO_DATAGRAMS: ParentState = {
  state: "refused",
  reason: "NotAllowedByListeners",
  message: "the mesh carries no UDP",
};

function meshParent(
  read: GatewayApiReader,
  route: RouteObject,
  parent: GatewayApi.ParentReference,
  namespace: string,
): ParentState {
  const { name, port } = parent;
  if (route.kind === "UDPRoute") return NO_DATAGRAMS;
  const hosts = [serviceHost(name, namespace, read.clusterDomain)];
  const service = hosts[0] === undefined ? undefined : read.service(hosts[0]);
  if (service === undefined && !read.knowsServices) {
    return { state: "mesh", hosts, ...(port === undefined ? {} : { port }) };
  }
  if (service === undefined) return noParent(`there is no Service ${namespace}/${name}`);
  return portOf(parent, hosts, service.ports, `Service ${namespace}/${name}`);
}

function entryParent(
  read: GatewayApiReader,
  route: RouteObject,
  parent: GatewayApi.ParentReference,
  namespace: string,
): ParentState {
  if (route.kind === "UDPRoute") return NO_DATAGRAMS;
  const what = `ServiceEntry ${namespace}/${parent.name}`;
  const entry = read.object<ServiceEntry>(`${ISTIO}/ServiceEntry/${namespace}/${parent.name}`);
  if (entry === undefined) return noParent(`there is no ${what}`);
  const { hosts, ports = [] } = entry.spec;
  const named = ports.map(({ name, number }) => ({ name, port: number }));
  return portOf(
    parent,
    hosts.map((host) => host.toLowerCase()),
    named,
    what,
  );
}

/** The one that the reference names by its number or its name, if it names any. */
function portOf(
  { port, sectionName }: GatewayApi.ParentReference,
  hosts: readonly string[],
  ports: readonly { readonly name: string; readonly port: number }[],
  what: string,
): ParentState {
  const named =
    sectionName === undefined ? undefined : ports.find((each) => each.name === sectionName);
  if (sectionName !== undefined && named === undefined) {
    return noParent(`${what} has no port named ${sectionName}`);
  }
  const wanted = port ?? named?.port;
  if (wanted === undefined) return { state: "mesh", hosts };
  if (!ports.some((each) => each.port === wanted)) {
    return noParent(`${what} has no port ${wanted}`);
  }
  return { state: "mesh", hosts, port: wanted };
}

function attach(
  read: GatewayApiReader,
  route: RouteObject,
  { name, sectionName, port }: GatewayApi.ParentReference,
  entries: readonly ListenerEntry[],
): ParentState {
  const named = entries.filter(
    (entry) =>
      (sectionName === undefined || entry.listener.name === sectionName) &&
      (port === undefined || entry.port === port),
  );
  if (named.length === 0) {
    const asked = [
      ...(sectionName === undefined ? [] : [`named ${sectionName}`]),
      ...(port === undefined ? [] : [`on port ${port}`]),
    ].join(" ");
    return noParent(`${name} has no listener ${asked}`.trim());
  }
  const open = named.filter((entry) => isAllowed(read, route, entry));
  if (open.length === 0) {
    return {
      state: "refused",
      reason: "NotAllowedByListeners",
      message: `no listener of ${name} takes a ${route.kind} of namespace ${route.metadata.namespace}`,
    };
  }
  const listeners = open.flatMap((entry): AttachedListener[] => {
    const hosts = hostsThrough(entry, route);
    return hosts.length === 0 ? [] : [{ entry, hosts }];
  });
  if (listeners.length === 0) {
    return {
      state: "refused",
      reason: "NoMatchingListenerHostname",
      message: `no hostname of the route is one of a listener of ${name}`,
    };
  }
  return { state: "attached", listeners };
}

function isAllowed(
  read: GatewayApiReader,
  { kind, apiVersion, metadata }: RouteObject,
  { owner, kinds, listener }: ListenerEntry,
): boolean {
  if (groupOf(apiVersion) !== GATEWAY_API || !kinds.includes(kind as RouteKind)) return false;
  const { from = "Same", selector } = listener.allowedRoutes?.namespaces ?? {};
  return isNamespaceAllowed(read, from, selector, owner.metadata.namespace, metadata.namespace);
}

/** Routes of connections without a name take every connection of their listener. */
function hostsThrough({ listener }: ListenerEntry, { kind, spec }: RouteObject): readonly string[] {
  if (kind === "TCPRoute" || kind === "UDPRoute") return ["*"];
  return commonHosts(listener.hostname, spec.hostnames);
}

/**
 * Hosts that are left to a listener beside others of its port: a name belongs to the most specific listener that covers it,
 * whether that one has a route for it or not.
 */
export function hostsLeftTo(
  entry: ListenerEntry,
  hosts: readonly string[],
  others: readonly ListenerEntry[],
): readonly string[] {
  const own = entry.listener.hostname ?? "*";
  return hosts.filter(
    (host) =>
      !others.some(({ listener: { hostname = "*" } }) => {
        if (hostname === own || !hostMatches(hostname, host)) return false;
        return hostMatches(own, hostname);
      }),
  );
}
