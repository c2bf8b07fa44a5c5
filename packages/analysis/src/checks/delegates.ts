/** IST0101, HDL0140, HDL0141, HDL0142: VirtualServices that others delegate to. */
import type { VirtualService } from "@heddle/model";
import { delegatedRoutes, delegateOf, delegateProblem } from "@heddle/model";
import { diagnostic, missing, namesOf } from "../check.ts";
import type { Check } from "../check.ts";
import type { Entry } from "../mesh-index.ts";

export const checkDelegates: Check<VirtualService> = function* (entry, context) {
  const { metadata, spec } = entry.object;
  const { index } = context;
  if ((spec.hosts ?? []).length === 0) {
    const roots = index.rootsOf(metadata.namespace, metadata.name);
    if (roots.length > 0) return;
    const message =
      "The rule has no hosts, and no route of another VirtualService delegates to it.";
    yield diagnostic(entry, { code: "HDL0142", path: "spec", message });
    return;
  }
  for (const [position, route] of (spec.http ?? []).entries()) {
    const named = delegateOf(route, metadata.namespace);
    if (named === undefined) continue;
    const path = `spec.http[${position}].delegate`;
    const name = `${named.namespace}/${named.name}`;
    const found = index.entry(`networking.istio.io/VirtualService/${name}`) as
      | Entry<VirtualService>
      | undefined;
    const problem = delegateProblem(found?.object, metadata.namespace);
    if (found === undefined) {
      yield missing(entry, context, { what: "delegate VirtualService", name, path });
    } else if (problem !== undefined) {
      const why =
        problem === "not exported"
          ? `is not exported to namespace ${metadata.namespace}`
          : "has hosts of its own";
      yield diagnostic(entry, {
        code: "HDL0140",
        path,
        message: `VirtualService ${name} ${why}, so the route that delegates to it counts as if it were not there.`,
      });
    } else {
      const { conflicts } = delegatedRoutes(
        route,
        metadata.namespace,
        found.object,
        index.clusterDomain,
      );
      for (const conflict of conflicts) {
        yield diagnostic(entry, {
          code: "HDL0141",
          path,
          message: `The matches of http[${conflict}] of the delegate ${namesOf([found])} are not within those of this route, so that route of the delegate is left out.`,
        });
      }
    }
  }
};
