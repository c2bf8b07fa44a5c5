/** Routes that one listener of the Gateway API has taken. */
import {
  type GatewayApiReader,
  hostsLeftTo,
  type ListenerEntry,
  parentKey,
  parentsOf,
  parentState,
  rivalsOf,
  type RouteObject,
  routesOfParent,
} from "@heddle/model";

interface HostedRoute {
  readonly route: RouteObject;
  readonly hosts: readonly string[];
}

/**
 * Routes that a listener has taken, oldest first, with the hosts that they have in common and that none of the other listeners
 * of the port claims by a narrower name. `all` are the Gateway's listeners.
 */
export function hostedRoutes(
  read: GatewayApiReader,
  entry: ListenerEntry,
  all: readonly ListenerEntry[],
): readonly HostedRoute[] {
  const rivals = rivalsOf(entry, all);
  return attachedRoutes(read, entry).map(({ route, hosts }) => ({
    route,
    hosts: hostsLeftTo(entry, hosts, rivals),
  }));
}

function attachedRoutes(read: GatewayApiReader, entry: ListenerEntry): readonly HostedRoute[] {
  const { apiVersion, kind, metadata } = entry.owner;
  const { namespace, name } = metadata;
  const group = apiVersion.slice(0, apiVersion.indexOf("/"));
  const parent = parentKey({ group, kind, namespace, name }, namespace);
  return routesOfParent(read, parent).flatMap((route): HostedRoute[] => {
    const hosts = new Set<string>();
    for (const { reference } of parentsOf(read, route)) {
      if (parentKey(reference, route.metadata.namespace) !== parent) continue;
      const found = parentState(read, route, reference);
      if (found.state !== "attached") continue;
      for (const attached of found.listeners) {
        if (attached.entry.listener.name !== entry.listener.name) continue;
        for (const host of attached.hosts) hosts.add(host);
      }
    }
    return hosts.size > 0 ? [{ route, hosts: [...hosts] }] : [];
  });
}
