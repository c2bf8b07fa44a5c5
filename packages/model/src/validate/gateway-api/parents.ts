/** Parents of a route: one that is named several times is told apart by section or port, each time. */
import type { ParentReference } from "../../kinds/gateway-api/reference.ts";
import type { Report } from "../report.ts";

export function checkParents(parents: readonly ParentReference[], report: Report): void {
  const byParent = new Map<string, { reference: ParentReference; index: number }[]>();
  for (const [index, reference] of parents.entries()) {
    const { group = GATEWAY_API, kind = "Gateway", namespace = "", name } = reference;
    const key = `${group}/${kind}/${namespace}/${name}`;
    byParent.set(key, [...(byParent.get(key) ?? []), { reference, index }]);
  }
  for (const several of byParent.values()) {
    const [first] = several;
    const seen = new Set<string>();
    for (const { reference, index } of several) {
      const { name, sectionName, port } = reference;
      const path = `spec.parentRefs[${index}]`;
      const section = `${sectionName ?? ""}/${port ?? ""}`;
      if (seen.has(section)) {
        report({
          code: "HDL0029",
          path,
          message: `parent ${name} stands twice`,
          remedy: "Give each reference a sectionName or port of its own.",
        });
      } else if (
        (sectionName === undefined) !== (first?.reference.sectionName === undefined) ||
        (port === undefined) !== (first?.reference.port === undefined)
      ) {
        report({
          code: "HDL0023",
          path,
          message: `parent ${name} is named several times, but not each time with the same of sectionName and port`,
          remedy: "Give all of them a sectionName, or all a port, or both.",
        });
      }
      seen.add(section);
    }
  }
}

const GATEWAY_API = "gateway.networking.k8s.io";
