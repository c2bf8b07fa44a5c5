/** Rules of an OverloadPolicy that its schema cannot say. */
import { durationOf } from "../duration.ts";
import type { OverloadPolicy } from "../kinds/overload-policy.ts";
import type { Report } from "./report.ts";
import { checkSelector } from "./selector.ts";

export function checkOverloadPolicy(
  { selector, concurrency, admission }: OverloadPolicy,
  report: Report,
): void {
  if (selector) checkSelector(selector, "spec.selector", report);
  if (concurrency === undefined && admission === undefined) {
    report({
      code: "HDL0023",
      path: "spec",
      message: "an OverloadPolicy says nothing",
      remedy: "Give it concurrency, admission or both.",
    });
  }
  const refuse = (path: string, message: string, remedy: string) =>
    report({ code: "HDL0081", path: `spec.${path}`, message, remedy });
  const { min = 3, max = 1000, percentile } = concurrency ?? {};
  if (min === 0) refuse("concurrency.min", "no request at all would be let through", "Raise it.");
  if (max < min) refuse("concurrency.max", `${max} is less than the least of ${min}`, "Raise it.");
  if (percentile === 0) {
    refuse(
      "concurrency.percentile",
      "there is no latency at 0 percent",
      "Give 50, 90 or the like.",
    );
  }
  const { window, successRate, aggression } = admission ?? {};
  if (window !== undefined && (durationOf(window) ?? 0) % 1000 !== 0) {
    refuse("admission.window", `${window} is not in whole seconds`, "Round it.");
  }
  if (successRate === 0) {
    refuse("admission.successRate", "no share is below 0 percent", "Give 95 or the like.");
  }
  if (aggression !== undefined && aggression < 1) {
    refuse("admission.aggression", `${aggression} is less than 1`, "1 refuses in proportion.");
  }
}
