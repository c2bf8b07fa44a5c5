/** Rules of a Fallback that its schema cannot say. */
import type { Fallback } from "../kinds/fallback.ts";
import { checkDestination } from "./destination.ts";
import { isHeaderName } from "./header.ts";
import { joinPath, type Report } from "./report.ts";

export function checkFallback(spec: Fallback, report: Report): void {
  const { host, subset, routes = [], statuses = [], destination, response } = spec;
  checkDestination({ host, ...(subset === undefined ? {} : { subset }) }, "spec", report);
  if (destination === undefined && response === undefined) {
    report({
      code: "HDL0023",
      path: "spec",
      message: "a Fallback has nothing to fall back to",
      remedy: "Give it destination, response or both.",
    });
  }
  if (destination) {
    checkDestination(destination, "spec.destination", report);
    if (destination.host === host && (destination.subset ?? "") === (subset ?? "")) {
      report({
        code: "HDL0032",
        path: "spec.destination",
        message: "what cannot answer is asked again: the destination is what it is a fallback for",
        remedy: "Name another host, or another subset.",
      });
    }
  }
  for (const [index, name] of routes.entries()) {
    if (name !== "") continue;
    report({ code: "HDL0023", path: `spec.routes[${index}]`, message: "a route's name is empty" });
  }
  for (const [index, status] of statuses.entries()) {
    if (status >= 400 && status <= 599) continue;
    report({
      code: "HDL0028",
      path: `spec.statuses[${index}]`,
      message: `${status} is no answer of a failure: those are from 400 to 599`,
    });
  }
  if (response === undefined) return;
  if (response.status < 200 || response.status > 599) {
    report({
      code: "HDL0028",
      path: "spec.response.status",
      message: `HTTP status ${response.status} is not in the range 200 to 599`,
    });
  }
  for (const name of Object.keys(response.headers ?? {})) {
    if (isHeaderName(name)) continue;
    const path = joinPath("spec.response.headers", name);
    report({ code: "HDL0026", path, message: `"${name}" is not a header's name` });
  }
}
