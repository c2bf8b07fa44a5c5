/** How several DestinationRules of one namespace for one host become one, as Istio settles it. */
import { canonicalJson } from "../canonical-json.ts";
import type { DestinationRule, Subset } from "../kinds/destination-rule.ts";
import type { MeshObject } from "../object.ts";

type Rule = MeshObject<DestinationRule>;

export interface ConsolidatedRules {
  /** For clients that none of the others selects. */
  readonly rule: Rule | undefined;
  readonly selecting: readonly Rule[];
}

/**
 * `rules` are of one namespace and for one host, oldest first. A rule is joined to those before it that are exported to the
 * same namespaces (or to fewer of them) and select the same workloads; a rule that selects nobody is also joined to those
 * that select somebody and are exported like it. Of rules that could not be joined the youngest counts.
 */
export function consolidate(rules: readonly Rule[]): ConsolidatedRules {
  const selecting: Rule[] = [];
  for (const rule of rules.filter(hasSelector)) {
    const twin = selecting.findIndex((other) => selectorOf(other) === selectorOf(rule));
    if (twin < 0) selecting.push(rule);
    else selecting[twin] = joined(selecting[twin] as Rule, rule);
  }
  let plain: Rule[] = [];
  for (const rule of rules.filter((each) => !hasSelector(each))) {
    for (const [index, other] of selecting.entries()) {
      if (exportsLike(rule, other)) selecting[index] = joined(other, rule);
    }
    const known = plain.some((other) => exportsLike(rule, other));
    plain = plain.map((other) => (exportsLike(rule, other) ? joined(other, rule) : other));
    if (!known) plain.push(rule);
  }
  return { rule: plain.at(-1), selecting };
}

/** The first one's name and traffic policy; the other's subsets that it has not, and its policy where there was none. */
function joined(first: Rule, other: Rule): Rule {
  const names = new Set((first.spec.subsets ?? []).map(({ name }) => name));
  const more = (other.spec.subsets ?? []).filter(({ name }) => !names.has(name));
  const subsets: readonly Subset[] = [...(first.spec.subsets ?? []), ...more];
  const trafficPolicy = first.spec.trafficPolicy ?? other.spec.trafficPolicy;
  return {
    ...first,
    spec: {
      ...first.spec,
      ...(trafficPolicy === undefined ? {} : { trafficPolicy }),
      ...(subsets.length === 0 ? {} : { subsets }),
    },
  };
}

/** Whether a rule is exported to the same namespaces as an older one, letter by letter, or to these and more: else they are not joined. */
export function exportsLike(rule: Rule, other: Rule): boolean {
  const [to, known] = [exportedTo(rule), exportedTo(other)];
  if (known.size === 0) return to.size === 0;
  return [...known].every((namespace) => to.has(namespace));
}

function exportedTo({ spec }: Rule): ReadonlySet<string> {
  return new Set(spec.workloadSelector === undefined ? spec.exportTo : ["."]);
}

function hasSelector({ spec }: Rule): boolean {
  return spec.workloadSelector !== undefined;
}

function selectorOf({ spec }: Rule): string {
  return canonicalJson(spec.workloadSelector?.matchLabels ?? {});
}
