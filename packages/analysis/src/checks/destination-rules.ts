/** HDL0101: one host in several DestinationRules of a namespace. */
import type { DestinationRule, MeshObject } from "@heddle/model";
import { byAge, canonicalJson, exportsLike, labelsMatch, resolveHost } from "@heddle/model";
import { diagnostic, namesOf } from "../check.ts";
import type { Check, CheckContext } from "../check.ts";
import { seenTogether } from "../visibility.ts";

type Rule = MeshObject<DestinationRule>;

export const checkDestinationRules: Check<DestinationRule> = function* (entry, context) {
  const { object } = entry;
  const { namespace } = object.metadata;
  const host = resolveHost(object.spec.host, namespace, context.index.clusterDomain);
  const others = context.index
    .destinationRules(host)
    .filter(({ key, object: other }) => key !== entry.key && sameScope(object, other, context));
  if (others.length === 0) return;
  const clash = others.map((other) => clashOf(object, other.object)).find(Boolean);
  const names = namesOf([entry, ...others]);
  yield diagnostic(entry, {
    code: "HDL0101",
    level: clash === undefined || context.force ? "Warning" : "Error",
    path: "spec.host",
    message:
      clash === undefined
        ? `The DestinationRules ${names} are for the same host ${host}: they are joined, oldest first.`
        : `The DestinationRules ${names} are for the same host ${host}, and several of them ${clash.what}: only the ${clash.counts} would count.`,
  });
};

function sameScope(a: Rule, b: Rule, context: CheckContext): boolean {
  return (
    a.metadata.namespace === b.metadata.namespace &&
    (selectorOf(a) === selectorOf(b) || shareClients(a, b, context)) &&
    seenTogether(a, b)
  );
}

/** What only one of two rules decides; empty where each adds to the other. */
function clashOf(a: Rule, b: Rule): Clash | undefined {
  const [older, younger] = byAge(a, b) <= 0 ? [a, b] : [b, a];
  if (selectorOf(a) !== selectorOf(b))
    return { what: "select the same clients by different labels", counts: "oldest" };
  if (!exportsLike(younger, older))
    return { what: "are exported to different namespaces", counts: "youngest" };
  if (a.spec.trafficPolicy && b.spec.trafficPolicy)
    return { what: "set trafficPolicy", counts: "oldest" };
  const names = new Set(a.spec.subsets?.map(({ name }) => name));
  const twice = b.spec.subsets?.find(({ name }) => names.has(name));
  return twice && { what: `set subset ${twice.name}`, counts: "oldest" };
}

interface Clash {
  readonly what: string;
  readonly counts: "oldest" | "youngest";
}

function selectorOf({ spec }: Rule): string {
  return canonicalJson(spec.workloadSelector?.matchLabels ?? {});
}

/** Whether some pod of the rules' namespace is picked by both of two selectors. */
function shareClients(a: Rule, b: Rule, { index }: CheckContext): boolean {
  const [one, other] = [a.spec.workloadSelector?.matchLabels, b.spec.workloadSelector?.matchLabels];
  // A rule without a selector is for the clients that no other picks.
  if (!one || !other) return false;
  return index
    .pods(one)
    .some(
      ({ object: { metadata } }) =>
        metadata.namespace === a.metadata.namespace && labelsMatch(other, metadata.labels),
    );
}
