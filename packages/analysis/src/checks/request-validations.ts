/** HDL0185, HDL0187, HDL0188: what of a RequestValidation has no effect, or another than it seems to have. */
import type { RequestValidation, ValidationMatch } from "@heddle/model";
import type { Check } from "../check.ts";
import { diagnostic } from "../check.ts";

type StringMatch = NonNullable<ValidationMatch["path"]>;

/** The first rule that matches decides: one behind a wider one decides nothing. */
export const checkRuleOrder: Check<RequestValidation> = function* (entry) {
  const { rules = [] } = entry.object.spec;
  for (const [index, { match = {}, name }] of rules.entries()) {
    const before = rules.findIndex((other, at) => at < index && takesAll(other.match ?? {}, match));
    if (before < 0) continue;
    yield diagnostic(entry, {
      code: "HDL0185",
      path: `spec.rules[${index}]`,
      message: `Rule ${name ?? index} never decides: rule ${rules[before]!.name ?? before} before it matches the same requests.`,
    });
  }
};

export const checkRefusingRules: Check<RequestValidation> = function* (entry) {
  for (const [index, { match, methods, name }] of (entry.object.spec.rules ?? []).entries()) {
    const only = match?.method?.exact;
    if (only === undefined || methods === undefined || methods.includes(only)) continue;
    yield diagnostic(entry, {
      code: "HDL0187",
      path: `spec.rules[${index}].methods`,
      message: `Rule ${name ?? index} refuses every request that it matches: they are of method ${only}, which is not among its methods.`,
    });
  }
};

export const checkReportedPaths: Check<RequestValidation> = function* (entry) {
  const { mode, paths } = entry.object.spec;
  if (mode !== "REPORT" || paths === undefined) return;
  yield diagnostic(entry, {
    code: "HDL0188",
    path: "spec.paths",
    message:
      "Paths are not rewritten while mode is REPORT, and what would be refused is said of them as they come.",
  });
};

/** Whether every request that the second matches is matched by the first. */
function takesAll(wide: ValidationMatch, narrow: ValidationMatch): boolean {
  return (
    (wide.route === undefined || wide.route === narrow.route) &&
    covers(wide.path, narrow.path) &&
    covers(wide.method, narrow.method)
  );
}

function covers(wide: StringMatch | undefined, narrow: StringMatch | undefined): boolean {
  if (wide === undefined) return true;
  if (narrow === undefined) return false;
  if (wide.prefix !== undefined)
    return (narrow.exact ?? narrow.prefix)?.startsWith(wide.prefix) ?? false;
  return wide.exact === narrow.exact && wide.regex === narrow.regex;
}
