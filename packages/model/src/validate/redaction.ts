/** Rules of a Redaction that its schema cannot say. */
import type { Redaction, RedactionForm, RedactionRule } from "../kinds/redaction.ts";
import { globMatcher } from "../glob.ts";
import { checkRegex } from "./match.ts";
import { regexError, regexSize } from "./re2.ts";
import type { Report } from "./report.ts";
import { checkSelector } from "./selector.ts";

/** Rules of one object: each reads every record that is for it. */
const MAX_RULES = 100;
const MAX_NAMES = 100;
const MAX_NAME_LENGTH = 128;
/** Whatever is found becomes no longer than this. */
const MAX_MASK_LENGTH = 64;
const MAX_KEPT = 8;
/** Steps of a compiled expression: what one character of text may cost. */
const MAX_REDACTION_REGEX_SIZE = 1000;

/** Attributes without which nobody knows whose telemetry it is. */
const TELLING = ["service.name", "k8s.namespace.name", "heddle.reporter", "heddle.workload"];

type Refuse = (field: string, message: string, remedy: string) => void;

export function checkRedaction({ selector, secrets, rules }: Redaction, report: Report): void {
  if (selector) checkSelector(selector, "spec.selector", report);
  if (secrets === undefined && (rules ?? []).length === 0) {
    report({
      code: "HDL0023",
      path: "spec",
      message: "a Redaction says nothing",
      remedy: "Give it rules, secrets or both.",
    });
  }
  if ((rules ?? []).length > MAX_RULES) {
    const message = `a Redaction has ${rules?.length} rules (${MAX_RULES} at most)`;
    report({ code: "HDL0014", path: "spec.rules", message });
  }
  const names = new Set<string>();
  for (const [index, rule] of (rules ?? []).entries()) {
    const path = `spec.rules[${index}]`;
    checkRule(rule, path, report);
    const { name } = rule;
    if (name === undefined) continue;
    if (names.has(name)) {
      report({
        code: "HDL0070",
        path: `${path}.name`,
        message: `two rules are called "${name}"`,
        remedy: "Give each a name of its own, or none.",
      });
    }
    names.add(name);
  }
}

function checkRule(rule: RedactionRule, path: string, report: Report): void {
  const { where = {}, what, how } = rule;
  const refuse: Refuse = (field, message, remedy) =>
    report({ code: "HDL0070", path: `${path}.${field}`, message, remedy });
  const { attributes, queryParameters, body, path: urlPath, signals } = where;
  for (const field of ["attributes", "queryParameters"] as const)
    checkNames(where[field], field, refuse);
  if (signals?.length === 0)
    refuse("where.signals", "signals are none at all", "Leave it out, or name LOGS or TRACES.");
  const placed = Boolean(attributes ?? queryParameters) || body === true || urlPath === true;
  const finds = (what?.detectors ?? []).length > 0 || what?.regex !== undefined;
  if (what !== undefined && !finds) {
    report({
      code: "HDL0023",
      path: `${path}.what`,
      message: "what is to be found is nothing",
      remedy: "Name detectors, or give a regex; leave `what` out to take away all of a place.",
    });
  } else if (!placed && !finds) {
    report({
      code: "HDL0023",
      path,
      message: "a rule says neither where nor what",
      remedy: "Name a place under `where`, or what is to be found under `what`.",
    });
  }
  if (what?.regex !== undefined) checkSize(what.regex, `${path}.what.regex`, report);
  if (how) checkForm(how, refuse);
  const taken = (attributes ?? []).find((name) => TELLING.some(globMatcher([name])));
  if (taken !== undefined && !finds) {
    report({
      code: "HDL0071",
      path: `${path}.where.attributes`,
      message: `"${taken}" also takes away attributes that say whose telemetry it is`,
    });
  }
}

function checkNames(names: readonly string[] | undefined, field: string, refuse: Refuse): void {
  const at = `where.${field}`;
  if (names?.length === 0) refuse(at, "there is no name", "Leave it out, or give names.");
  if ((names?.length ?? 0) > MAX_NAMES)
    refuse(at, `there are ${names?.length} names`, `${MAX_NAMES} at most; use wildcards.`);
  for (const [index, name] of (names ?? []).entries()) {
    if (name === "") refuse(`${at}[${index}]`, "a name is empty", "Give it, or `*` for all.");
    if (name.length > MAX_NAME_LENGTH)
      refuse(`${at}[${index}]`, `a name has ${name.length} characters`, "128 at most.");
  }
}

function checkSize(regex: string, path: string, report: Report): void {
  checkRegex(regex, path, report);
  if (regexError(regex) !== undefined) return;
  const size = regexSize(regex);
  if (size <= MAX_REDACTION_REGEX_SIZE) return;
  report({
    code: "HDL0070",
    path,
    message: `a regular expression takes ${size} steps for each character (${MAX_REDACTION_REGEX_SIZE} at most)`,
    remedy: "Repeat less: what is repeated a thousand times counts a thousand times.",
  });
}

function checkForm({ mask, keepLast, hash, drop }: RedactionForm, refuse: Refuse): void {
  if (mask !== undefined && mask.length > MAX_MASK_LENGTH)
    refuse("how.mask", `a mask has ${mask.length} characters`, `${MAX_MASK_LENGTH} at most.`);
  if (keepLast !== undefined && (keepLast < 1 || keepLast > MAX_KEPT))
    refuse("how.keepLast", `${keepLast} characters cannot be kept`, `1 to ${MAX_KEPT} can.`);
  for (const [field, value] of Object.entries({ hash, drop }))
    if (value === false)
      refuse(`how.${field}`, `${field}: false says nothing`, "Leave `how` out for [redacted].");
}
