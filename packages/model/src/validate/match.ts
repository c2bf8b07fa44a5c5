/** What routes match by: strings, headers, labels, ports. */
import type { HTTPMatchRequest, PresentMatch, StringMatch } from "../kinds/virtual-service.ts";
import { isMatchableHeader } from "./header.ts";
import { isLabelKey, isLabelValue, isRuleLabel } from "./names.ts";
import { regexError } from "./re2.ts";
import { joinPath } from "./report.ts";
import type { Report } from "./report.ts";

export function checkHttpMatch(match: HTTPMatchRequest, path: string, report: Report): void {
  // Envoy takes an empty prefix for a path, which is every path, but for nothing else.
  if (match.uri?.regex !== undefined) checkString(match.uri, `${path}.uri`, report);
  for (const field of ["scheme", "method", "authority"] as const) {
    const value = match[field];
    if (value) checkString(value, `${path}.${field}`, report);
  }
  for (const field of ["headers", "withoutHeaders"] as const) {
    for (const [name, value] of Object.entries(match[field] ?? {})) {
      const at = joinPath(`${path}.${field}`, name);
      if (!isMatchableHeader(name)) {
        report({ code: "HDL0026", path: at, message: `"${name}" is not a header's name` });
      }
      // Not a regular expression but Istio's way to say that the header is there.
      if (field === "withoutHeaders" && value.regex === "*") continue;
      checkString(value, at, report);
    }
  }
  for (const [name, value] of Object.entries(match.queryParams ?? {})) {
    checkString(value, joinPath(`${path}.queryParams`, name), report);
  }
  if (match.port !== undefined && match.port !== 0) checkPort(match.port, `${path}.port`, report);
  checkLabels(match.sourceLabels, `${path}.sourceLabels`, report);
  const { sourceNamespace } = match;
  if (sourceNamespace && !isRuleLabel(sourceNamespace)) {
    const at = `${path}.sourceNamespace`;
    report({
      code: "HDL0017",
      path: at,
      message: `"${sourceNamespace}" is not a namespace's name`,
    });
  }
}

export function checkString(value: StringMatch | PresentMatch, path: string, report: Report): void {
  if (value.prefix === "") {
    report({
      code: "HDL0023",
      path: `${path}.prefix`,
      message: "a prefix is empty",
      remedy: "Leave the match out to match everything.",
    });
  }
  if (value.regex !== undefined) checkRegex(value.regex, `${path}.regex`, report);
}

export function checkRegex(pattern: string, path: string, report: Report): void {
  const wrong = regexError(pattern);
  if (!wrong) return;
  report({
    code: "HDL0021",
    path,
    message: `regular expression ${JSON.stringify(pattern.slice(0, 80))}: ${wrong}`,
    remedy: "Envoy matches with RE2: see https://github.com/google/re2/wiki/Syntax.",
  });
}

export function checkLabels(
  labels: Readonly<Record<string, string>> | undefined,
  path: string,
  report: Report,
): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    const at = joinPath(path, key);
    if (!isLabelKey(key)) {
      report({ code: "HDL0017", path: at, message: `"${key}" is not a label's name` });
    }
    if (!isLabelValue(value)) {
      report({ code: "HDL0017", path: at, message: `"${value}" is not a label's value` });
    }
  }
}

export function checkPort(port: number, path: string, report: Report): void {
  if (port >= 1 && port <= 65535) return;
  report({
    code: "HDL0014",
    path,
    message: `port ${port} is not in the range 1 to 65535`,
    remedy: "Give a port between 1 and 65535.",
  });
}
