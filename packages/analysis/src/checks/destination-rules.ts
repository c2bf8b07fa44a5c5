/** HDL0101: one host in several DestinationRules of a namespace. */
import type { DestinationRule, MeshObject } from "@heddle/model";
import { canonicalJson, resolveHost } from "@heddle/model";
import { diagnostic, namesOf } from "../check.ts";
import type { Check } from "../check.ts";
import { seenTogether } from "../visibility.ts";

type Rule = MeshObject<DestinationRule>;

export const checkDestinationRules: Check<DestinationRule> = function* (entry, context) {
  const { object } = entry;
  const { namespace } = object.metadata;
  const host = resolveHost(object.spec.host, namespace, context.index.clusterDomain);
  const others = context.index
    .destinationRules(host)
    .filter(({ key, object: other }) => key !== entry.key && sameScope(object, other));
  if (others.length === 0) return;
  const clash = others.map((other) => clashOf(object, other.object)).find((what) => what !== "");
  const names = namesOf([entry, ...others]);
  yield diagnostic(entry, {
    code: "HDL0101",
    level: clash === undefined || context.force ? "Warning" : "Error",
    path: "spec.host",
    message:
      clash === undefined
        ? `The DestinationRules ${names} are for the same host ${host}: they are joined, oldest first.`
        : `The DestinationRules ${names} are for the same host ${host}, and several of them set ${clash}: only the oldest would count.`,
  });
};

function sameScope(a: Rule, b: Rule): boolean {
  return (
    a.metadata.namespace === b.metadata.namespace &&
    canonicalJson(a.spec.workloadSelector?.matchLabels ?? {}) ===
      canonicalJson(b.spec.workloadSelector?.matchLabels ?? {}) &&
    seenTogether(a, b)
  );
}

/** What both of two rules set; empty where each adds to the other. */
function clashOf(a: Rule, b: Rule): string {
  if (a.spec.trafficPolicy && b.spec.trafficPolicy) return "trafficPolicy";
  const names = new Set(a.spec.subsets?.map(({ name }) => name));
  const twice = b.spec.subsets?.find(({ name }) => names.has(name));
  return twice ? `subset ${twice.name}` : "";
}
