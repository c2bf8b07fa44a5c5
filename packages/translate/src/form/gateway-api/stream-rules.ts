/** Rules of TLSRoute, TCPRoute and UDPRoute behind one listener of the Gateway API. */
import {
  bySpecificity,
  type GatewayApi,
  type GatewayApiReader,
  hostMatches,
  type ListenerEntry,
  type MeshObject,
  rivalsOf,
  type RouteObject,
} from "@heddle/model";
import type { ModelReader } from "../../read.ts";
import type { ConnectionDestination, Origin, RuleSet } from "../rule-set.ts";
import { resolveBackends } from "./backends.ts";
import { hostedRoutes } from "./attached-routes.ts";

/** A destination that is not there: connections to it are closed. */
const NOWHERE = { host: "unresolved.invalid", port: 1 };
const CLOSED = { ...NOWHERE, weight: 1 };

/** Of connections that stay as they are: by server name, or whatever they carry. Of several routes the oldest decides. */
export function connectionRules(
  read: ModelReader,
  entry: ListenerEntry,
  all: readonly ListenerEntry[],
): readonly RuleSet[] {
  const sets = hostedRoutes(read.gatewayApi, entry, all)
    .filter(({ hosts }) => hosts.length > 0)
    .map(({ route, hosts }): RuleSet => {
      const found = destinationsOf(read.gatewayApi, route);
      // What has nowhere to go is taken and closed: a port that refuses would look like a gateway that is away.
      const destinations = found.length > 0 || route.kind === "UDPRoute" ? found : [CLOSED];
      const none = { origin: originOf(route), hosts, http: [], tls: [], tcp: [] };
      if (destinations.length === 0) return none;
      return route.kind === "TLSRoute"
        ? { ...none, tls: [{ matches: [{ serverNames: hosts, client: {} }], destinations }] }
        : { ...none, tcp: [{ matches: [{ client: {} }], destinations }] };
    })
    .filter(({ tls, tcp }) => tls.length + tcp.length > 0);
  const own = narrowHost(entry, all);
  if (own === undefined || sets.some(({ hosts }) => hosts.includes(own))) return sets;
  const { kind, metadata } = entry.owner;
  const origin = { kind, namespace: metadata.namespace, name: metadata.name };
  const tls = [{ matches: [{ serverNames: [own], client: {} }], destinations: [CLOSED] }];
  return [...sets, { origin, hosts: [own], http: [], tls, tcp: [] }];
}

/** A listener's host where a wider listener of the port would take its connections: it keeps them, though no route wants them. */
function narrowHost(entry: ListenerEntry, all: readonly ListenerEntry[]): string | undefined {
  const own = entry.listener.hostname?.toLowerCase();
  if (own === undefined) return undefined;
  const wider = rivalsOf(entry, all).some(({ listener }) =>
    hostMatches(listener.hostname?.toLowerCase() ?? "*", own),
  );
  return wider ? own : undefined;
}

/** Names that routes behind a listener speak of, where TLS is taken off. */
export function tlsHostsOf(
  read: ModelReader,
  entry: ListenerEntry,
  all: readonly ListenerEntry[],
): readonly string[] {
  const hosts = hostedRoutes(read.gatewayApi, entry, all).flatMap((each) => each.hosts);
  return [...new Set([...hosts, narrowHost(entry, all) ?? []].flat())].toSorted(bySpecificity);
}

/** The route that decides for one of these names: the one that names it most precisely, then the oldest. */
export function terminatedRules(
  read: ModelReader,
  entry: ListenerEntry,
  all: readonly ListenerEntry[],
  host: string,
): readonly RuleSet[] {
  const routes = hostedRoutes(read.gatewayApi, entry, all).flatMap(({ route, hosts }) =>
    hosts.filter((own) => hostMatches(own, host)).map((own) => ({ route, own })),
  );
  const [first] = routes.toSorted((a, b) => bySpecificity(a.own, b.own));
  if (!first) {
    const { kind, metadata } = entry.owner;
    const origin = { kind, namespace: metadata.namespace, name: metadata.name };
    const tcp = [{ matches: [{ client: {} }], destinations: [CLOSED] }];
    return [{ origin, hosts: [host], http: [], tls: [], tcp }];
  }
  const found = destinationsOf(read.gatewayApi, first.route);
  const destinations = found.length > 0 ? found : [CLOSED];
  const tcp = [{ matches: [{ client: {} }], destinations }];
  return [{ origin: originOf(first.route), hosts: [host], http: [], tls: [], tcp }];
}

/** Empty where no backend is there; otherwise those that are missing keep their share. */
export function destinationsOf(
  read: GatewayApiReader,
  route: RouteObject,
): readonly ConnectionDestination[] {
  const rules = (route as MeshObject<GatewayApi.StreamRoute>).spec.rules;
  const references = rules[0]?.backendRefs;
  const { resolved, brokenWeight } = resolveBackends(read, route, references, {
    datagrams: route.kind === "UDPRoute",
  });
  const destinations = resolved
    .map(({ destination }) => destination)
    .filter(({ weight }) => weight > 0);
  if (destinations.length === 0 || brokenWeight === 0) return destinations;
  return [...destinations, { ...NOWHERE, weight: brokenWeight }];
}

export function originOf({ kind, metadata }: RouteObject): Origin {
  return { kind, namespace: metadata.namespace, name: metadata.name };
}
