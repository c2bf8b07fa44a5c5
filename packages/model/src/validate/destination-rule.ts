/** Rules of a DestinationRule that its schema cannot say. */
import type { DestinationRule } from "../kinds/destination-rule.ts";
import { checkExportTo } from "./export-to.ts";
import { checkLabels } from "./match.ts";
import { hostError, isRuleLabel } from "./names.ts";
import type { Report } from "./report.ts";
import { checkSelector } from "./selector.ts";
import { checkCredentials, checkTrafficPolicy } from "./traffic-policy.ts";

export function checkDestinationRule(
  spec: DestinationRule,
  namespace: string,
  report: Report,
): void {
  const wrong = hostError(spec.host);
  if (wrong) report({ code: "HDL0020", path: "spec.host", message: wrong });
  if (spec.trafficPolicy) {
    checkTrafficPolicy(spec.trafficPolicy, "spec.trafficPolicy", report);
    checkCredentials(spec.trafficPolicy, namespace, "spec.trafficPolicy", report);
  }
  const names = new Set<string>();
  for (const [index, subset] of (spec.subsets ?? []).entries()) {
    const path = `spec.subsets[${index}]`;
    if (!isRuleLabel(subset.name)) {
      report({
        code: "HDL0017",
        path: `${path}.name`,
        message: `"${subset.name}" is not a subset's name`,
        remedy: "Use letters, digits and -, 63 at most.",
      });
    }
    if (names.has(subset.name)) {
      const message = `subset ${subset.name} stands twice`;
      report({ code: "HDL0029", path: `${path}.name`, message });
    }
    names.add(subset.name);
    checkLabels(subset.labels, `${path}.labels`, report);
    if (subset.trafficPolicy) {
      checkTrafficPolicy(subset.trafficPolicy, `${path}.trafficPolicy`, report);
      checkCredentials(subset.trafficPolicy, namespace, `${path}.trafficPolicy`, report);
    }
  }
  checkExportTo(spec.exportTo, namespace, report);
  if (spec.workloadSelector) {
    checkSelector(spec.workloadSelector, "spec.workloadSelector", report);
    const beyond = (spec.exportTo ?? []).some((entry) => entry !== "." && entry !== namespace);
    if (beyond) {
      report({
        code: "HDL0033",
        path: "spec.exportTo",
        message: "a rule with a workloadSelector cannot be visible beyond its own namespace",
        remedy: 'Set exportTo: ["."].',
      });
    }
  }
}
