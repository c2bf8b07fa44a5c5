/** IST0109: one host of the mesh in several VirtualServices, of which sidecars would use only the oldest. */
import type { VirtualService } from "@heddle/model";
import { gatewaysOf, virtualServiceHosts } from "@heddle/model";
import { diagnostic, namesOf } from "../check.ts";
import type { Check } from "../check.ts";
import { seenTogether } from "../visibility.ts";

export const checkMeshHosts: Check<VirtualService> = function* (entry, context) {
  const { object } = entry;
  if (!gatewaysOf(object).includes("mesh")) return;
  const hosts = virtualServiceHosts(object, context.index.clusterDomain);
  for (const [position, host] of hosts.entries()) {
    const others = context.index
      .meshRules(host)
      .filter(({ key, object: other }) => key !== entry.key && seenTogether(object, other));
    if (others.length === 0) continue;
    yield diagnostic(entry, {
      code: "IST0109",
      level: context.force ? "Warning" : "Error",
      path: `spec.hosts[${position}]`,
      message: `The VirtualServices ${namesOf([entry, ...others])} associated with mesh gateway define the same host ${host} which can lead to undefined behavior. This can be fixed by merging the conflicting VirtualServices into a single resource.`,
    });
  }
};
