/** Rules of a Telemetry that its schema cannot say. */
import type { Telemetry, TelemetryMetrics, Tracing } from "../kinds/telemetry.ts";
import { celError } from "./cel.ts";
import { checkPolicyTarget } from "./policy-target.ts";
import { joinPath } from "./report.ts";
import type { Report } from "./report.ts";

export function checkTelemetry(spec: Telemetry, report: Report): void {
  checkPolicyTarget(spec, report);
  const { tracing = [], metrics = [], accessLogging = [] } = spec;
  if (tracing.length > 1) notSeveral("tracing", "spec.tracing", report);
  for (const [index, item] of tracing.entries()) {
    checkTracing(item, `spec.tracing[${index}]`, report);
  }
  for (const [index, item] of metrics.entries()) {
    checkMetrics(item, `spec.metrics[${index}]`, report);
  }
  for (const [index, { filter }] of accessLogging.entries()) {
    if (!filter) continue;
    const wrong = celError(filter.expression ?? "");
    if (!wrong) continue;
    report({
      code: "HDL0037",
      path: `spec.accessLogging[${index}].filter.expression`,
      message: `the filter is not a valid CEL expression: ${wrong}`,
    });
  }
}

function checkTracing({ providers, customTags }: Tracing, path: string, report: Report): void {
  if ((providers ?? []).length > 1) notSeveral("providers", `${path}.providers`, report);
  for (const [name, tag] of Object.entries(customTags ?? {})) {
    const at = joinPath(`${path}.customTags`, name);
    if (name === "") report({ code: "HDL0023", path: at, message: "a tag's name is empty" });
    if (Object.keys(tag).length === 0) {
      const message = `tag ${name} has no value`;
      report({ code: "HDL0032", path: at, message });
    }
  }
}

function checkMetrics({ overrides = [] }: TelemetryMetrics, path: string, report: Report): void {
  for (const [index, { tagOverrides = {} }] of overrides.entries()) {
    for (const [name, { operation = "UPSERT", value }] of Object.entries(tagOverrides)) {
      const at = joinPath(`${path}.overrides[${index}].tagOverrides`, name);
      if (name === "") {
        report({ code: "HDL0032", path: at, message: "a tag's name is empty" });
      }
      if (operation === "UPSERT" && !value) {
        report({
          code: "HDL0012",
          path: `${at}.value`,
          message: "value must be set when operation is UPSERT",
          remedy: "Give the value as a CEL expression, or operation: REMOVE.",
        });
      } else if (operation === "REMOVE" && value !== undefined) {
        report({
          code: "HDL0022",
          path: `${at}.value`,
          message: "value must not be set when operation is REMOVE",
        });
      }
    }
  }
}

function notSeveral(what: string, path: string, report: Report): void {
  report({
    code: "HDL0032",
    path: `${path}[1]`,
    message: `several ${what} are not supported: the first counts`,
  });
}
