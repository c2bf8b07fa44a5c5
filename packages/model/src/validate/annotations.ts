/** Annotations that say something to the mesh, and those that only Istio itself may set. */
import { DRY_RUN, isBoolean } from "../dry-run.ts";
import type { AuthorizationPolicy } from "../kinds/authorization-policy.ts";
import type { MeshObject } from "../object.ts";
import { joinPath } from "./report.ts";
import type { Report } from "./report.ts";

/** Marks of objects that Istio makes: set by a user, they would claim another's rights. */
const INTERNAL = [
  "internal.istio.io/webhook-always-reject",
  "internal.istio.io/parents",
  "internal.istio.io/parent-namespace",
] as const;

export function checkAnnotations({ kind, metadata, spec }: MeshObject, report: Report): void {
  const { annotations } = metadata;
  for (const name of INTERNAL) {
    if (annotations[name] === undefined) continue;
    report({
      code: "HDL0038",
      path: pathOf(name),
      message: `annotation ${name} may not be set by users`,
      remedy: "Take it out.",
    });
  }
  const dryRun = annotations[DRY_RUN];
  if (dryRun === undefined) return;
  const { action = "ALLOW" } = spec as AuthorizationPolicy;
  const wrong =
    kind !== "AuthorizationPolicy"
      ? `${kind} does not support the annotation ${DRY_RUN}`
      : action !== "ALLOW" && action !== "DENY"
        ? `annotation ${DRY_RUN} supports the actions ALLOW and DENY, not ${action}`
        : isBoolean(dryRun)
          ? undefined
          : `annotation ${DRY_RUN} is neither true nor false: "${dryRun}"`;
  if (wrong) report({ code: "HDL0038", path: pathOf(DRY_RUN), message: wrong });
}

function pathOf(name: string): string {
  return joinPath("metadata.annotations", name);
}
