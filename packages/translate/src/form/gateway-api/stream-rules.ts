/** Rules of TLSRoute, TCPRoute and UDPRoute behind one listener of the Gateway API. */
import {
  bySpecificity,
  type GatewayApi,
  hostMatches,
  type ListenerEntry,
  type MeshObject,
  type RouteObject,
} from "@heddle/model";
import type { ModelReader } from "../../read.ts";
import type { ConnectionDestination, Origin, RuleSet } from "../rule-set.ts";
import { resolveBackends } from "./backends.ts";
import { attachedRoutes } from "./attached-routes.ts";

/** A destination that is not there: connections to it are closed. */
const NOWHERE = { host: "unresolved.invalid", port: 1 };

/** Of connections that stay as they are: by server name, or whatever they carry. Of several routes the oldest decides. */
export function connectionRules(read: ModelReader, entry: ListenerEntry): readonly RuleSet[] {
  return attachedRoutes(read.gatewayApi, entry)
    .map(({ route, hosts }): RuleSet => {
      const destinations = destinationsOf(read, route);
      const none = { origin: originOf(route), hosts, http: [], tls: [], tcp: [] };
      if (destinations.length === 0) return none;
      return route.kind === "TLSRoute"
        ? { ...none, tls: [{ matches: [{ serverNames: hosts, client: {} }], destinations }] }
        : { ...none, tcp: [{ matches: [{ client: {} }], destinations }] };
    })
    .filter(({ tls, tcp }) => tls.length + tcp.length > 0);
}

/** Names that routes behind a listener speak of, where TLS is taken off. */
export function tlsHostsOf(read: ModelReader, entry: ListenerEntry): readonly string[] {
  const hosts = attachedRoutes(read.gatewayApi, entry).flatMap((each) => each.hosts);
  return [...new Set(hosts)].toSorted(bySpecificity);
}

/** The route that decides for one of these names: the one that names it most precisely, then the oldest. */
export function terminatedRules(
  read: ModelReader,
  entry: ListenerEntry,
  host: string,
): readonly RuleSet[] {
  const routes = attachedRoutes(read.gatewayApi, entry).flatMap(({ route, hosts }) =>
    hosts.filter((own) => hostMatches(own, host)).map((own) => ({ route, own })),
  );
  const [first] = routes.toSorted((a, b) => bySpecificity(a.own, b.own));
  if (!first) return [];
  const destinations = destinationsOf(read, first.route);
  if (destinations.length === 0) return [];
  const tcp = [{ matches: [{ client: {} }], destinations }];
  return [{ origin: originOf(first.route), hosts: [host], http: [], tls: [], tcp }];
}

/** Empty where no backend is there; otherwise those that are missing keep their share. */
export function destinationsOf(
  read: ModelReader,
  route: RouteObject,
): readonly ConnectionDestination[] {
  const rules = (route as MeshObject<GatewayApi.StreamRoute>).spec.rules;
  const references = rules[0]?.backendRefs;
  const { resolved, brokenWeight } = resolveBackends(read.gatewayApi, route, references, {
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
