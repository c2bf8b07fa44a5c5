/** Selectors of workloads. */
import type { WorkloadSelector } from "../kinds/destination.ts";
import { joinPath } from "./report.ts";
import type { Report } from "./report.ts";

export function checkSelector(selector: WorkloadSelector, path: string, report: Report): void {
  const labels = Object.entries(selector.matchLabels ?? {});
  if (labels.length === 0) {
    report({
      code: "HDL0032",
      path,
      message: "a selector without labels selects nobody in particular",
      remedy: "Leave it out, or give matchLabels.",
    });
  }
  for (const [key, value] of labels) {
    const at = joinPath(`${path}.matchLabels`, key);
    if (key === "") report({ code: "HDL0017", path: at, message: "a label has no name" });
    if (`${key}${value}`.includes("*")) {
      report({
        code: "HDL0017",
        path: at,
        message: `a selector cannot have wildcards: ${key}=${value}`,
      });
    }
  }
}
