/** Lists of namespaces that an object is visible in. */
import { isRuleLabel } from "./names.ts";
import type { Report } from "./report.ts";

export function checkExportTo(
  exportTo: readonly string[] | undefined,
  namespace: string,
  report: Report,
): void {
  const seen = new Set<string>();
  for (const [index, entry] of (exportTo ?? []).entries()) {
    const path = `spec.exportTo[${index}]`;
    if (entry !== "*" && entry !== "." && !isRuleLabel(entry)) {
      report({
        code: "HDL0033",
        path,
        message: `exportTo names "${entry}", which is no namespace`,
        remedy: "Give *, . or names of namespaces.",
      });
    }
    const name = entry === "." ? namespace : entry;
    if (seen.has(name)) {
      report({ code: "HDL0029", path, message: `exportTo names ${entry} twice` });
    }
    seen.add(name);
  }
  if (seen.has("*") && seen.size > 1) {
    report({
      code: "HDL0033",
      path: "spec.exportTo",
      message: "exportTo has * and others, although * is everyone",
      remedy: "Keep * alone, or the others alone.",
    });
  }
}
