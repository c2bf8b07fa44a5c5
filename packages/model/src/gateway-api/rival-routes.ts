/** HTTPRoutes and GRPCRoutes that want the same hosts of one listener: by the Gateway API only the oldest of them is taken. */
import { hostsOverlap } from "../host.ts";
import { type AttachedListener, listenersTaking } from "./attachment.ts";
import { parentsOf, routesOfParent } from "./default-gateways.ts";
import {
  type GatewayApiReader,
  parentKey,
  rivalKey,
  type RivalRoutes,
  type RouteObject,
} from "./reader.ts";

const NONE: RivalRoutes = new Map();

/** Among all routes of a parent, `parentKey`. A route that is not taken itself keeps no other out. */
export function routeRivalsOf(read: GatewayApiReader, parent: string): RivalRoutes {
  const routes = routesOfParent(read, parent);
  const has = (kind: string) => routes.some((route) => route.kind === kind);
  if (!has("HTTPRoute") || !has("GRPCRoute")) return NONE;
  const taken = new Map<string, { readonly route: RouteObject; readonly hosts: string[] }[]>();
  const lost = new Map<string, RouteObject>();
  for (const route of routes) {
    for (const { entry, hosts } of listenersOfParent(read, route, parent)) {
      const { name } = entry.listener;
      const others = taken.get(name) ?? [];
      const rival = others.find(
        (other) =>
          other.route.kind !== route.kind &&
          other.hosts.some((a) => hosts.some((b) => hostsOverlap(a, b))),
      );
      if (rival) lost.set(rivalKey(route, name), rival.route);
      else taken.set(name, [...others, { route, hosts: [...hosts] }]);
    }
  }
  return lost;
}

function listenersOfParent(
  read: GatewayApiReader,
  route: RouteObject,
  parent: string,
): readonly AttachedListener[] {
  if (route.kind !== "HTTPRoute" && route.kind !== "GRPCRoute") return [];
  return parentsOf(read, route).flatMap(({ reference }) => {
    if (parentKey(reference, route.metadata.namespace) !== parent) return [];
    const found = listenersTaking(read, route, reference);
    return found.state === "attached" ? found.listeners : [];
  });
}
