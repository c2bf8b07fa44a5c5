/** Whether a part of a proxy's configuration is one that a patch speaks of. */
import type { FilterChain, Listener } from "@heddle/envoy/config/listener/v3";
import type { Route, RouteConfiguration, VirtualHost } from "@heddle/envoy/config/route/v3";
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import { DNS_LISTENER, DNS_TCP_LISTENER, VIRTUAL_INBOUND, VIRTUAL_OUTBOUND } from "../names.ts";
import { METADATA_NAMESPACE } from "../telemetry/peer.ts";
import type { Patch } from "./compile.ts";
import type { PatchContext } from "./patch-set.ts";

/** Anything that goes by a name. */
export interface Named {
  readonly name?: string | undefined;
}

export function contextMatches({ match }: Patch, context: PatchContext): boolean {
  return match.context === undefined || match.context === "ANY" || match.context === context;
}

/** In the listeners that capture, a port number stands for that of a filter chain. */
function isVirtual({ name }: Listener): boolean {
  return name === VIRTUAL_INBOUND || name === VIRTUAL_OUTBOUND;
}

function isDns({ name }: Listener): boolean {
  return name === DNS_LISTENER || name === DNS_TCP_LISTENER;
}

export function listenerMatches({ match, applyTo }: Patch, listener: Listener): boolean {
  const wanted = match.listener;
  // Istio has no listeners for DNS: who speaks of all listeners does not mean these.
  if (isDns(listener)) return wanted?.name === listener.name;
  if (wanted === undefined) return true;
  if (wanted.name && wanted.name !== listener.name) return false;
  if (applyTo !== "LISTENER" && isVirtual(listener)) return true;
  return !wanted.portNumber || wanted.portNumber === listener.address?.socketAddress?.portValue;
}

/** Of a listener that matches. */
export function chainMatches({ match }: Patch, listener: Listener, chain: FilterChain): boolean {
  const wanted = match.listener;
  if (wanted === undefined) return true;
  const { filterChainMatch: own = {} } = chain;
  const { portNumber, filterChain } = wanted;
  if (portNumber && isVirtual(listener) && own.destinationPort !== portNumber) return false;
  if (filterChain === undefined) return true;
  const { name, sni, transportProtocol, applicationProtocols, destinationPort } = filterChain;
  if (name && name !== chain.name) return false;
  if (sni && !own.serverNames?.includes(sni)) return false;
  if (transportProtocol && own.transportProtocol !== transportProtocol) return false;
  const protocols = applicationProtocols ? applicationProtocols.split(",") : [];
  if (!protocols.every((each) => own.applicationProtocols?.includes(each))) return false;
  if (filterChain.transportSocket && chain.transportSocket?.name !== filterChain.transportSocket) {
    return false;
  }
  return !destinationPort || own.destinationPort === destinationPort;
}

/** Name of the network filter that a patch speaks of; undefined for any. */
export function filterNameOf({ match }: Patch): string | undefined {
  return match.listener?.filterChain?.filter?.name || undefined;
}

/** Name of the HTTP filter that a patch speaks of; undefined for any. */
export function subFilterNameOf({ match }: Patch): string | undefined {
  return match.listener?.filterChain?.filter?.subFilter?.name || undefined;
}

export function listenerFilterNameOf({ match }: Patch): string | undefined {
  return match.listener?.listenerFilter || undefined;
}

/** What a gateway's route name says: `http.<port>` or `https.<port>.<port name>.<gateway>.<namespace>`. */
function gatewayRouteName(name: string) {
  const [, port = "", portName = "", gateway = "", namespace = ""] = name.split(".");
  return {
    port: Number(port),
    portName,
    gateway: gateway && namespace ? `${namespace}/${gateway}` : "",
  };
}

/** A port, `inbound|<port>||`, or `<host>:<port>`. */
function sidecarRoutePort(name: string): number {
  return Number(/^(?:inbound\|(\d+)\|.*|.*:(\d+)|(\d+))$/.exec(name)?.slice(1).find(Boolean) ?? 0);
}

/** Ports of a gateway's servers by the port that the proxy itself listens on. */
export type ServerPorts = ReadonlyMap<number, ReadonlySet<number>>;

export function routeConfigurationMatches(
  { match }: Patch,
  { name = "" }: RouteConfiguration,
  context: PatchContext,
  serverPorts: ServerPorts,
): boolean {
  const wanted = match.routeConfiguration;
  if (wanted === undefined) return true;
  if (wanted.name && wanted.name !== name) return false;
  const { portNumber } = wanted;
  if (context !== "GATEWAY") return !portNumber || sidecarRoutePort(name) === portNumber;
  const own = gatewayRouteName(name);
  if (portNumber && !(serverPorts.get(own.port)?.has(portNumber) ?? own.port === portNumber)) {
    return false;
  }
  if (wanted.portName && wanted.portName !== own.portName) return false;
  return !wanted.gateway || wanted.gateway === own.gateway;
}

export function virtualHostMatches({ match }: Patch, host: VirtualHost): boolean {
  const wanted = match.routeConfiguration?.vhost;
  if (wanted === undefined) return true;
  if (wanted.name && wanted.name !== host.name) return false;
  return !wanted.domainName || (host.domains?.includes(wanted.domainName) ?? false);
}

/** Whether a patch speaks of some routes, not of all. */
export function asksForRoute({ match }: Patch): boolean {
  return match.routeConfiguration?.vhost?.route !== undefined;
}

export function routeMatches({ match }: Patch, route: Route): boolean {
  const wanted = match.routeConfiguration?.vhost?.route;
  if (wanted === undefined) return true;
  if (wanted.name && wanted.name !== route.name) return false;
  switch (wanted.action) {
    case "ROUTE":
      return route.route !== undefined;
    case "REDIRECT":
      return route.redirect !== undefined;
    case "DIRECT_RESPONSE":
      return route.directResponse !== undefined;
    default:
      return true;
  }
}

export function clusterMatches({ match }: Patch, cluster: Cluster): boolean {
  const wanted = match.cluster;
  if (wanted === undefined) return true;
  const { name = "" } = cluster;
  if (wanted.name) return wanted.name === name;
  const [direction = "", port = "", subset = "", host = ""] = name.split("|");
  if (wanted.subset && wanted.subset !== subset) return false;
  if (wanted.portNumber && wanted.portNumber !== Number(port)) return false;
  if (!wanted.service) return true;
  return wanted.service === (direction === "inbound" ? serviceOf(cluster) : host);
}

/** An inbound cluster's name does not say whose it is; what it is counted for does. */
function serviceOf({ metadata }: Cluster): unknown {
  const own = metadata?.filterMetadata?.[METADATA_NAMESPACE] as Record<string, unknown> | undefined;
  return own?.["service"];
}
