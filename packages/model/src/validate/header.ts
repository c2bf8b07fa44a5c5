/** Names and values of HTTP headers that rules match or change. */
import { matchedClaim } from "../claims.ts";
import type { HeaderOperations, Headers } from "../kinds/virtual-service.ts";
import { headerValueError } from "./header-value.ts";
import { joinPath } from "./report.ts";
import type { Report } from "./report.ts";

// RFC 7230, section 3.2.6: token.
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const PSEUDO: ReadonlySet<string> = new Set([
  ":method",
  ":scheme",
  ":authority",
  ":path",
  ":status",
]);
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u0008\u000A-\u001F\u007F]/;
export function isHeaderName(name: string): boolean {
  return TOKEN.test(name);
}

/** A name in a match: a header, a pseudo-header, or a claim, which routes of gateways may match as if it were a header. */
export function isMatchableHeader(name: string): boolean {
  return PSEUDO.has(name) || matchedClaim(name) !== undefined || isHeaderName(name);
}

/** Headers that are set, added or removed. The authority may be set on requests only. */
export function checkHeaders(headers: Headers | undefined, path: string, report: Report): void {
  if (headers?.request) checkOperations(headers.request, `${path}.request`, true, report);
  if (headers?.response) checkOperations(headers.response, `${path}.response`, false, report);
}

function checkOperations(
  operations: HeaderOperations,
  path: string,
  mayAuthority: boolean,
  report: Report,
): void {
  for (const verb of ["set", "add"] as const) {
    for (const [name, value] of Object.entries(operations[verb] ?? {})) {
      const at = joinPath(`${path}.${verb}`, name);
      checkName(name, at, mayAuthority, report);
      const wrong = valueError(value);
      if (wrong) {
        report({ code: "HDL0026", path: at, message: `the value of header ${name} ${wrong}` });
      }
    }
  }
  for (const [index, name] of (operations.remove ?? []).entries()) {
    checkName(name, `${path}.remove[${index}]`, false, report);
  }
}

function checkName(name: string, path: string, mayAuthority: boolean, report: Report): void {
  if (name === "") return report({ code: "HDL0026", path, message: "a header has no name" });
  if (isAuthority(name)) {
    if (mayAuthority) return;
    return report({
      code: "HDL0026",
      path,
      message: `header ${name} cannot be changed here`,
      remedy: "The authority can be set on requests only, and never removed.",
    });
  }
  if (name.startsWith(":")) {
    return report({
      code: "HDL0026",
      path,
      message: `pseudo-header ${name} cannot be changed as a header`,
      remedy: "Use rewrite for path and authority.",
    });
  }
  if (!isHeaderName(name)) {
    report({ code: "HDL0026", path, message: `"${name}" is not a header's name` });
  }
}

export function isAuthority(name: string): boolean {
  const lower = name.toLowerCase();
  return lower === "host" || lower === ":authority";
}

function valueError(value: string): string | undefined {
  return CONTROL.test(value) ? "has control characters" : headerValueError(value);
}
