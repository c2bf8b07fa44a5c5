/** HDL0153: a VirtualService and routes of the Gateway API for one host of the mesh, of which only the routes count. */
import type { RouteObject, VirtualService } from "@heddle/model";
import { gatewaysOf, virtualServiceHosts } from "@heddle/model";
import { diagnostic, namesOf } from "../check.ts";
import type { Check, CheckContext } from "../check.ts";
import type { Entry } from "../mesh-index.ts";

type Route = RouteObject["spec"];

/** At the VirtualService. */
export const checkRoutePrecedence: Check<VirtualService> = function* (entry, context) {
  const { index } = context;
  if (!gatewaysOf(entry.object).includes("mesh")) return;
  for (const [position, host] of virtualServiceHosts(entry.object, index.clusterDomain).entries()) {
    const routes = index.meshRoutes(host).filter((route) => displaces(route, entry, host, context));
    if (routes.length === 0) continue;
    yield diagnostic(entry, {
      code: "HDL0153",
      level: context.force ? "Warning" : "Error",
      path: `spec.hosts[${position}]`,
      message: messageOf(routes, [entry], host),
    });
  }
};

/** At the route. */
export const checkRoutedHosts: Check<Route> = function* (entry, context) {
  const { index } = context;
  const told = new Set<string>();
  for (const [position, parent] of (entry.object.spec.parentRefs ?? []).entries()) {
    for (const host of index.hostsOfParent(parent, entry.object.metadata.namespace)) {
      const rules = index.meshRules(host).filter((rule) => displaces(entry, rule, host, context));
      if (rules.length === 0 || told.has(host)) continue;
      told.add(host);
      yield diagnostic(entry, {
        code: "HDL0153",
        level: context.force ? "Warning" : "Error",
        path: `spec.parentRefs[${position}]`,
        message: messageOf([entry], rules, host),
      });
    }
  }
};

/** Routes of the service's namespace are for all clients; those of another for its own, whom rules from elsewhere do not promise anything. */
function displaces(
  { object: route }: Entry<Route>,
  { object: rule }: Entry<VirtualService>,
  host: string,
  { index }: CheckContext,
): boolean {
  const { kind, metadata } = route;
  if (kind === "UDPRoute") return false;
  return (
    metadata.namespace === rule.metadata.namespace ||
    index.namespacesOf(host).includes(metadata.namespace)
  );
}

function messageOf(routes: readonly Entry[], rules: readonly Entry[], host: string): string {
  const kinds = [...new Set(routes.map(({ object }) => object.kind))].toSorted();
  return `${kinds.join(" and ")} ${namesOf(routes)} and VirtualService ${namesOf(rules)} are both for ${host}: sidecars follow the routes alone.`;
}
