/** What a policy applies to: either workloads by their labels or named objects, and only those that there are. */
import type { EnvoyFilter } from "../kinds/envoy-filter.ts";
import type { PolicyTarget, PolicyTargetReference } from "../kinds/policy-target.ts";
import type { Report } from "./report.ts";
import { checkSelector } from "./selector.ts";

/** `group/Kind` of what a policy may name; the core group is empty. */
const TARGETS: ReadonlySet<string> = new Set([
  "/Service",
  "networking.istio.io/ServiceEntry",
  "gateway.networking.k8s.io/Gateway",
  "gateway.networking.k8s.io/GatewayClass",
]);

export function checkPolicyTarget(spec: PolicyTarget, report: Report): void {
  checkOnlyOne(spec, ["selector", "targetRef", "targetRefs"], report);
  if (spec.selector) checkSelector(spec.selector, "spec.selector", report);
  if (spec.targetRef) checkReference(spec.targetRef, "spec.targetRef", report);
  checkReferences(spec.targetRefs, report);
}

export function checkReferences(
  references: readonly PolicyTargetReference[] | undefined,
  report: Report,
): void {
  for (const [index, reference] of (references ?? []).entries()) {
    checkReference(reference, `spec.targetRefs[${index}]`, report);
  }
}

export function checkOnlyOne(
  spec: PolicyTarget & Pick<EnvoyFilter, "workloadSelector">,
  fields: readonly (keyof PolicyTarget | "workloadSelector")[],
  report: Report,
): void {
  const present = fields.filter((field) => spec[field] !== undefined);
  if (present.length < 2) return;
  report({
    code: "HDL0022",
    path: `spec.${present[1]!}`,
    message: `only one of targetRefs and ${fields[0]!} can be set, not ${present.join(" and ")}`,
    remedy: `Keep one of ${present.join(", ")}.`,
  });
}

function checkReference(reference: PolicyTargetReference, path: string, report: Report): void {
  const { group = "", kind, namespace } = reference;
  if (namespace !== undefined && namespace !== "") {
    report({
      code: "HDL0032",
      level: "Error",
      path: `${path}.namespace`,
      message:
        "cross-namespace references are not supported: a policy applies in its own namespace",
      remedy: "Leave namespace out, and put the policy into that namespace.",
    });
  }
  if (TARGETS.has(`${group === "core" ? "" : group}/${kind}`)) return;
  report({
    code: "HDL0013",
    path: `${path}.kind`,
    message: `a policy cannot apply to ${kind} of ${group === "" ? "the core group" : group}`,
    remedy:
      "Name a Service, a ServiceEntry of networking.istio.io, or a Gateway or GatewayClass of gateway.networking.k8s.io.",
  });
}
