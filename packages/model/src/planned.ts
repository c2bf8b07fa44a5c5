/** Fields that Istio knows and translation does not yet put into effect. A release that does deletes its rows. */
import type { Level } from "./diagnostic.ts";
import { joinPath } from "./validate/report.ts";
import type { Report } from "./validate/report.ts";

export interface PlannedField {
  readonly kind: string;
  /** Below `spec`; `[]` stands for every item of a list. */
  readonly path: string;
  /** Only these values are not in effect; without it, the field whatever its value. */
  readonly values?: readonly string[];
  /** Error where ignoring the field would send requests elsewhere or let in strangers. */
  readonly level: Level;
}

export const plannedFields: readonly PlannedField[] = [
  { kind: "VirtualService", path: "tls", level: "Error" },
  { kind: "VirtualService", path: "tcp", level: "Error" },
  { kind: "VirtualService", path: "http[].delegate", level: "Error" },
  { kind: "VirtualService", path: "http[].match[].statPrefix", level: "Warning" },
  { kind: "VirtualService", path: "http[].retries.retryIgnorePreviousHosts", level: "Warning" },
  ...["trafficPolicy", "subsets[].trafficPolicy"].flatMap((policy): PlannedField[] => [
    { kind: "DestinationRule", path: `${policy}.tunnel`, level: "Error" },
    { kind: "DestinationRule", path: `${policy}.proxyProtocol`, level: "Error" },
    { kind: "DestinationRule", path: `${policy}.retryBudget`, level: "Warning" },
    ...[policy, `${policy}.portLevelSettings[]`].flatMap((at): PlannedField[] => [
      { kind: "DestinationRule", path: `${at}.loadBalancer.localityLbSetting`, level: "Warning" },
      { kind: "DestinationRule", path: `${at}.loadBalancer.zoneAwareLbSetting`, level: "Warning" },
      { kind: "DestinationRule", path: `${at}.tls.credentialName`, level: "Error" },
      { kind: "DestinationRule", path: `${at}.tls.caCrl`, level: "Error" },
    ]),
  ]),
  { kind: "DestinationRule", path: "workloadSelector", level: "Error" },
  {
    kind: "Gateway",
    path: "servers[].tls.mode",
    values: ["PASSTHROUGH", "MUTUAL", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL", "OPTIONAL_MUTUAL"],
    level: "Error",
  },
  { kind: "Gateway", path: "servers[].defaultEndpoint", level: "Warning" },
  { kind: "Gateway", path: "servers[].tls.credentialNames", level: "Error" },
  { kind: "Gateway", path: "servers[].tls.tlsCertificates", level: "Error" },
];

/** Names every field of an object that is known and not yet in effect. */
export function checkPlanned(kind: string, spec: unknown, report: Report): void {
  for (const { kind: of, path, values, level } of plannedFields) {
    if (of !== kind) continue;
    for (const { at, value } of valuesAt(spec, path.split("."), "spec")) {
      if (values && !values.includes(String(value))) continue;
      const what = values ? `${lastName(at)} ${String(value)}` : lastName(at);
      report({
        code: "HDL0016",
        level,
        path: at,
        message: `${what} is known to Istio, but not yet in effect here`,
        remedy: "Do without it until a release puts it into effect.",
      });
    }
  }
}

/** Every value that a path leads to, with the path that it stands at. */
function* valuesAt(
  value: unknown,
  steps: readonly string[],
  at: string,
): Generator<{ at: string; value: unknown }> {
  const [step, ...rest] = steps;
  if (step === undefined) {
    yield { at, value };
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const name = step.replace("[]", "");
  if (!Object.hasOwn(value, name)) return;
  const inner = (value as Record<string, unknown>)[name];
  const here = joinPath(at, name);
  if (!step.endsWith("[]")) return yield* valuesAt(inner, rest, here);
  if (!Array.isArray(inner)) return;
  for (const [index, item] of inner.entries()) yield* valuesAt(item, rest, joinPath(here, index));
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}
