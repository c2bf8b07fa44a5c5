/** Which DestinationRule a client sees for a host: its own namespace's, the service's, the root namespace's. */
import { bySpecificity, hostMatches, resolveHost } from "../host.ts";
import { labelsMatch, selects } from "../labels.ts";
import { byAge } from "../object.ts";
import type { MeshObject } from "../object.ts";
import type { DestinationRule, Subset } from "../kinds/destination-rule.ts";
import { isVisible } from "./visibility.ts";

export interface DestinationRuleQuestion {
  readonly host: string;
  readonly clientNamespace: string;
  /** Labels of the client's workload, for rules with a `workloadSelector`. */
  readonly clientLabels?: Readonly<Record<string, string>>;
  /** Empty for hosts that are no service. */
  readonly serviceNamespace: string;
  readonly rootNamespace: string;
  readonly clusterDomain: string;
}

type Rule = MeshObject<DestinationRule>;

/**
 * The rule for a host as one client sees it. The first namespace with a matching rule decides; there the most specific
 * host wins; a rule that selects the client goes before one that selects nobody in particular; rules for the same host
 * are merged as Istio does (`mergeDestinationRules`). `candidates` may hold others, which are passed over.
 */
export function chooseDestinationRule(
  candidates: Iterable<Rule>,
  question: DestinationRuleQuestion,
): Rule | undefined {
  const { host, clientNamespace, serviceNamespace, rootNamespace, clusterDomain } = question;
  const visible = [...candidates].filter(
    (rule) =>
      hostMatches(resolveHost(rule.spec.host, rule.metadata.namespace, clusterDomain), host) &&
      isVisible(rule.spec.exportTo, rule.metadata.namespace, clientNamespace) &&
      appliesTo(rule, question),
  );
  if (visible.length === 0) return undefined;
  // A client in the root namespace has no rules of its own before the service's: they are everyone's fallback.
  const own = clientNamespace === rootNamespace ? [] : [clientNamespace];
  for (const namespace of new Set([...own, serviceNamespace, rootNamespace])) {
    const here = visible.filter((rule) => rule.metadata.namespace === namespace);
    if (here.length > 0) return mergeDestinationRules(mostSpecific(here, clusterDomain));
  }
  return undefined;
}

/**
 * One rule out of those that a namespace has for one host, as Istio settles it: the oldest gives the name and the
 * traffic policy, later ones add subsets that it has not, and a traffic policy only where none was set before.
 */
export function mergeDestinationRules(rules: readonly Rule[]): Rule | undefined {
  const [first, ...rest] = [...rules].sort(byAge);
  if (first === undefined || rest.length === 0) return first;
  const subsets = new Map<string, Subset>();
  for (const rule of [first, ...rest]) {
    for (const subset of rule.spec.subsets ?? []) {
      if (!subsets.has(subset.name)) subsets.set(subset.name, subset);
    }
  }
  const trafficPolicy = [first, ...rest].find((rule) => rule.spec.trafficPolicy !== undefined)?.spec
    .trafficPolicy;
  return {
    ...first,
    spec: {
      ...first.spec,
      ...(trafficPolicy === undefined ? {} : { trafficPolicy }),
      ...(subsets.size === 0 ? {} : { subsets: [...subsets.values()] }),
    },
  };
}

/** A rule with a `workloadSelector` speaks only to clients of its own namespace that it picks. */
function appliesTo(
  rule: Rule,
  { clientNamespace, clientLabels = {} }: DestinationRuleQuestion,
): boolean {
  const selector = rule.spec.workloadSelector?.matchLabels;
  if (!selects(selector)) return true;
  return rule.metadata.namespace === clientNamespace && labelsMatch(selector, clientLabels);
}

function mostSpecific(rules: readonly Rule[], clusterDomain: string): Rule[] {
  const fullHost = (rule: Rule) =>
    resolveHost(rule.spec.host, rule.metadata.namespace, clusterDomain);
  const best = rules.map(fullHost).sort(bySpecificity)[0];
  const equal = rules.filter((rule) => fullHost(rule) === best);
  const selecting = equal.filter((rule) => selects(rule.spec.workloadSelector?.matchLabels));
  return selecting.length > 0 ? selecting : equal;
}
