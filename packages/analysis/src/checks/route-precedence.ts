/** HDL0153: a VirtualService and routes of the Gateway API for one Service, of which the routes count. */
import type { VirtualService } from "@heddle/model";
import { gatewaysOf, placeOf, splitServiceHost, virtualServiceHosts } from "@heddle/model";
import { diagnostic } from "../check.ts";
import type { Check } from "../check.ts";

export const checkRoutePrecedence: Check<VirtualService> = function* (entry, { index }) {
  const { object } = entry;
  if (!gatewaysOf(object).includes("mesh")) return;
  for (const [position, host] of virtualServiceHosts(object, index.clusterDomain).entries()) {
    const named = splitServiceHost(host, index.clusterDomain);
    if (named === undefined) continue;
    const { namespace, name } = named;
    const routes = index
      .placed(placeOf.routes(`Service/${namespace}/${name}`))
      // Routes of another namespace are for its own clients alone.
      .filter((route) => route.metadata.namespace === namespace)
      .map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`)
      .toSorted();
    if (routes.length === 0) continue;
    yield diagnostic(entry, {
      code: "HDL0153",
      path: `spec.hosts[${position}]`,
      message: `${routes.join(" and ")} has Service ${namespace}/${name} for its parent: sidecars follow that, and not this VirtualService.`,
    });
  }
};
