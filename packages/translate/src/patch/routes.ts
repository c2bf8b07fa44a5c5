/** Patches of route configurations, virtual hosts and routes. */
import type { Route, RouteConfiguration, VirtualHost } from "@heddle/envoy/config/route/v3";
import { editList, mapSame } from "./list-edit.ts";
import {
  asksForRoute,
  routeConfigurationMatches,
  routeMatches,
  virtualHostMatches,
} from "./matching.ts";
import type { Patching } from "./patching.ts";

/** The configuration with every patch applied; itself where none applies. */
export function patchRouteConfiguration(
  patching: Patching,
  original: RouteConfiguration,
): RouteConfiguration {
  const applies = (patch: Parameters<typeof routeConfigurationMatches>[0]) =>
    routeConfigurationMatches(patch, original, patching.context, patching.serverPorts);
  let configuration = original;
  for (const patch of patching.of("ROUTE_CONFIGURATION")) {
    if (applies(patch)) configuration = patching.merged(patch, configuration);
  }
  const hostPatches = patching.of("VIRTUAL_HOST").filter(applies);
  const routePatches = patching.of("HTTP_ROUTE").filter(applies);
  const { virtualHosts = [] } = configuration;
  let hosts = mapSame<VirtualHost>(virtualHosts, (before) => {
    let host = before;
    for (const patch of hostPatches) {
      if (!virtualHostMatches(patch, host)) continue;
      if (patch.operation === "REMOVE") return patching.note(patch, before, undefined);
      if (patch.operation === "REPLACE")
        host = patching.note(patch, host, patch.value as VirtualHost);
      else if (patch.operation !== "ADD") host = patching.merged(patch, host);
    }
    return patchRoutes(patching, routePatches, host);
  });
  for (const patch of hostPatches) {
    if (patch.operation !== "ADD") continue;
    hosts = patching.note(patch, hosts, [...hosts, patch.value as VirtualHost]);
  }
  return hosts === virtualHosts ? configuration : { ...configuration, virtualHosts: hosts };
}

function patchRoutes(
  patching: Patching,
  patches: ReturnType<Patching["of"]>,
  host: VirtualHost,
): VirtualHost {
  const own = patches.filter((patch) => virtualHostMatches(patch, host));
  if (own.length === 0) return host;
  const { routes: original = [] } = host;
  let routes = mapSame<Route>(original, (before) => {
    let route = before;
    for (const patch of own) {
      if (!routeMatches(patch, route)) continue;
      if (patch.operation === "REMOVE") return patching.note(patch, before, undefined);
      route = patching.merged(patch, route);
    }
    return route;
  });
  for (const patch of own) {
    if (patch.operation === "REMOVE") continue;
    const asks = asksForRoute(patch);
    const matches = (route: Route) => routeMatches(patch, route);
    // A route that goes first still asks for the one that it stands before.
    if (patch.operation === "INSERT_FIRST" && asks && !routes.some(matches)) continue;
    routes = patching.note(patch, routes, editList({ patch, items: routes, asks, matches }));
  }
  return routes === original ? host : { ...host, routes };
}
