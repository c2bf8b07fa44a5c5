/** What is wrong with objects of the Gateway API: the conditions of their status that are not as they should be. */
import {
  conditionsIn,
  type Diagnostic,
  isProblem,
  type Condition,
  type RouteObject,
} from "@heddle/model";
import { type CheckContext, diagnostic } from "../check.ts";
import { gatewayApiStatusOf } from "../gateway-api.ts";
import type { Entry } from "../mesh-index.ts";

/** Each problem once, though it may stand at several parents. */
export function* checkGatewayApi(entry: Entry, context: CheckContext): Iterable<Diagnostic> {
  const status = gatewayApiStatusOf(context.index, entry.key);
  if (!status) return;
  const { useDefaultGateways } = entry.object.spec as RouteObject["spec"];
  if ("parents" in status && useDefaultGateways === "All" && status.parents.length === 0) {
    yield diagnostic(entry, {
      code: "HDL0130",
      path: "spec.useDefaultGateways",
      message: "not Accepted (NoMatchingParent): there is no Gateway with defaultScope: All",
    });
  }
  const told = new Set<string>();
  for (const condition of conditionsIn(status)) {
    const { type, reason, message, path = "spec" } = condition;
    if (!isProblem(condition) || FOLLOWS.has(reason)) continue;
    // A listener that is not served says why in its other conditions.
    if (type === "Programmed" && CONFLICTS.has(reason)) continue;
    const key = JSON.stringify([reason, message, path]);
    if (told.has(key)) continue;
    told.add(key);
    const code = codeOf(condition, entry.object.kind);
    const dangling = code === "HDL0131" && context.strict;
    yield diagnostic(entry, {
      code,
      path,
      message: `${type === "Conflicted" || type === "PartiallyInvalid" ? type : `not ${type}`} (${reason}): ${message}`,
      ...(dangling ? { level: "Error" as const } : {}),
      ...(code === "HDL0132" && context.force ? { level: "Warning" as const } : {}),
    });
  }
}

/** Said by what they follow from. */
const FOLLOWS: ReadonlySet<string> = new Set([
  "ListenersNotValid",
  "ListenersNotResolved",
  "Invalid",
]);

function codeOf({ type, reason }: Condition, kind: string): string {
  if (type === "ResolvedRefs") return "HDL0131";
  if (type === "Conflicted" || CONFLICTS.has(reason)) return "HDL0132";
  if (type === "Programmed") return "HDL0133";
  return kind.endsWith("Route") ? "HDL0130" : "HDL0134";
}

const CONFLICTS: ReadonlySet<string> = new Set([
  "Conflicted",
  "HostnameConflict",
  "ProtocolConflict",
]);
