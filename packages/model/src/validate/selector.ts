/** Selectors of workloads. */
import type { WorkloadLabels, WorkloadSelector } from "../kinds/destination.ts";
import { joinPath } from "./report.ts";
import type { Report } from "./report.ts";

/** How many labels Istio takes in a selector of either form. */
const MAX_MATCH_LABELS = 4096;
const MAX_LABELS = 256;

export function checkSelector(selector: WorkloadSelector, path: string, report: Report): void {
  const { matchLabels = {} } = selector;
  checkPicked(matchLabels, path, `${path}.matchLabels`, MAX_MATCH_LABELS, report);
}

/** The same for the older form. */
export function checkWorkloadLabels(selector: WorkloadLabels, path: string, report: Report): void {
  checkPicked(selector.labels ?? {}, path, `${path}.labels`, MAX_LABELS, report);
}

function checkPicked(
  labels: Readonly<Record<string, string>>,
  path: string,
  base: string,
  limit: number,
  report: Report,
): void {
  const entries = Object.entries(labels);
  if (entries.length === 0) {
    report({
      code: "HDL0032",
      path,
      message: "a selector without labels selects every workload, as none would",
      remedy: "Leave it out, or give it labels.",
    });
  }
  if (entries.length > limit) {
    const message = `a selector has ${entries.length} labels (${limit} at most)`;
    report({ code: "HDL0014", path: base, message });
  }
  for (const [key, value] of entries) {
    const at = joinPath(base, key);
    if (key === "") report({ code: "HDL0017", path: at, message: "a label's key is empty" });
    for (const [part, text] of [
      ["key", key],
      ["value", value],
    ] as const) {
      if (!text.includes("*")) continue;
      report({
        code: "HDL0017",
        path: at,
        message: `a selector cannot have a wildcard in a label's ${part}: ${key}=${value}`,
        remedy: "Write the label in full: selectors match exactly.",
      });
    }
  }
}
