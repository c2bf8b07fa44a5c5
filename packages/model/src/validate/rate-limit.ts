/** Rules of a RateLimit that its schema cannot say. */
import { claimPath } from "../claims.ts";
import { durationOf } from "../duration.ts";
import type { Limit, LimitKey, RateLimit } from "../kinds/rate-limit.ts";
import { isMatchableHeader } from "./header.ts";
import { checkString } from "./match.ts";
import { joinPath } from "./report.ts";
import type { Report } from "./report.ts";
import { checkSelector } from "./selector.ts";

/** Envoy fills a local bucket no oftener than this, in milliseconds. */
const SHORTEST_LOCAL_MS = 50;

export function checkRateLimit({ selector, limits }: RateLimit, report: Report): void {
  if (selector) checkSelector(selector, "spec.selector", report);
  if (limits.length === 0) {
    report({ code: "HDL0023", path: "spec.limits", message: "there is no limit in limits" });
  }
  const names = new Set<string>();
  for (const [index, limit] of limits.entries()) {
    const path = `spec.limits[${index}]`;
    const { name } = limit;
    if (name !== undefined && names.has(name)) {
      report({
        code: "HDL0080",
        path: `${path}.name`,
        message: `two limits are called "${name}"`,
        remedy: "Give each a name of its own, or none.",
      });
    }
    if (name !== undefined) names.add(name);
    checkLimit(limit, path, report);
  }
}

function checkLimit(limit: Limit, path: string, report: Report): void {
  const { match, by = [], requests, per, scope = "LOCAL", burst } = limit;
  const refuse = (field: string, message: string, remedy: string) =>
    report({ code: "HDL0080", path: `${path}.${field}`, message, remedy });
  if (requests === 0) {
    refuse("requests", "a limit of 0 requests is no limit", "To refuse all requests, deny them.");
  }
  const milliseconds = durationOf(per) ?? 0;
  if (scope === "GLOBAL" && milliseconds % 1000 !== 0) {
    refuse("per", `${per} is not in whole seconds`, "A global limit counts in whole seconds.");
  }
  if (scope === "LOCAL" && milliseconds < SHORTEST_LOCAL_MS) {
    refuse("per", `${per} is too short`, `Give at least ${SHORTEST_LOCAL_MS}ms.`);
  }
  if (burst !== undefined && scope === "GLOBAL") {
    refuse("burst", "a global limit has no burst", "Leave it out, or make the limit LOCAL.");
  } else if (burst !== undefined && burst < requests) {
    refuse("burst", `a burst of ${burst} is less than ${requests} requests`, "Raise it.");
  }
  for (const field of ["path", "method", "authority"] as const) {
    const value = match?.[field];
    if (value) checkString(value, `${path}.match.${field}`, report);
  }
  for (const [name, value] of Object.entries(match?.headers ?? {})) {
    const at = joinPath(`${path}.match.headers`, name);
    checkHeader(name, at, report);
    checkString(value, at, report);
  }
  for (const [index, key] of by.entries()) checkKey(key, `${path}.by[${index}]`, report);
}

function checkKey({ header, queryParameter, claim }: LimitKey, path: string, report: Report): void {
  if (header !== undefined) checkHeader(header, `${path}.header`, report);
  if (queryParameter === "") {
    report({
      code: "HDL0023",
      path: `${path}.queryParameter`,
      message: "a query parameter has no name",
    });
  }
  if (claim !== undefined && claimPath(claim) === undefined) {
    report({
      code: "HDL0036",
      path: `${path}.claim`,
      message: `"${claim}" does not lead to a claim: a name in it is empty`,
      remedy: "Name it like sub, a.b, or [a][b] where dots are part of a name.",
    });
  }
}

function checkHeader(name: string, path: string, report: Report): void {
  if (isMatchableHeader(name)) return;
  report({ code: "HDL0026", path, message: `"${name}" is not a header's name` });
}
