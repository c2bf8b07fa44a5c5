/** Which DestinationRule a client sees for a host: its own namespace's, the service's, the root namespace's. */
import { bySpecificity, hostMatches, resolveHost } from "../host.ts";
import { labelsMatch } from "../labels.ts";
import { byAge } from "../object.ts";
import type { MeshObject } from "../object.ts";
import type { DestinationRule } from "../kinds/destination-rule.ts";
import { consolidate } from "./destination-rule-merge.ts";
import { isVisible } from "./visibility.ts";

export interface DestinationRuleQuestion {
  readonly host: string;
  readonly clientNamespace: string;
  /** Empty for hosts that are no service. */
  readonly serviceNamespace: string;
  readonly rootNamespace: string;
  readonly clusterDomain: string;
}

type Rule = MeshObject<DestinationRule>;

/** What the clients of one namespace see for a host. */
export interface DestinationRuleChoice {
  /** For clients that no rule's `workloadSelector` picks. */
  readonly rule: Rule | undefined;
  /** Each for the clients that its `workloadSelector` picks; the first one that does counts. */
  readonly selecting: readonly Rule[];
}

/**
 * Namespaces are asked in order: the client's, the service's, the root namespace. In each the most specific host goes
 * first, and rules for the same host are joined as Istio does it (`consolidate`). What is not visible to the client, or
 * does not select it, is not there for it. `candidates` may hold others, which are passed over.
 */
export function destinationRuleChoice(
  candidates: Iterable<Rule>,
  question: DestinationRuleQuestion,
): DestinationRuleChoice {
  const { host, clientNamespace, serviceNamespace, rootNamespace, clusterDomain } = question;
  const fullHost = (rule: Rule) =>
    resolveHost(rule.spec.host, rule.metadata.namespace, clusterDomain);
  const rules = [...candidates].filter(
    (rule) => hostMatches(fullHost(rule), host) && isShown(rule, clientNamespace),
  );
  const selecting: Rule[] = [];
  for (const [namespace, belongs] of [
    // The root namespace's rules are everybody's fallback, for its own clients too, but for those that are theirs alone.
    [clientNamespace, clientNamespace === rootNamespace ? isPrivate : anyRule],
    [serviceNamespace, isShared],
    [rootNamespace, isShared],
  ] as const) {
    const here = rules.filter((rule) => rule.metadata.namespace === namespace && belongs(rule));
    for (const pattern of [...new Set(here.map(fullHost))].sort(bySpecificity)) {
      const joined = consolidate(here.filter((rule) => fullHost(rule) === pattern).sort(byAge));
      selecting.push(...joined.selecting);
      if (joined.rule !== undefined) return { rule: joined.rule, selecting };
    }
  }
  return { rule: undefined, selecting };
}

/** The rule for a host as one client sees it. */
export function chooseDestinationRule(
  candidates: Iterable<Rule>,
  question: DestinationRuleQuestion,
  clientLabels: Readonly<Record<string, string>> = {},
): Rule | undefined {
  const { rule, selecting } = destinationRuleChoice(candidates, question);
  return selecting.find((each) => picks(each, clientLabels)) ?? rule;
}

/** Whether a rule speaks to a client of its own namespace that has these labels. */
function picks(rule: Rule, labels: Readonly<Record<string, string>>): boolean {
  return labelsMatch(rule.spec.workloadSelector?.matchLabels, labels);
}

/** A rule that selects workloads selects its own namespace's alone, whatever it is exported to. */
function isShown({ spec, metadata: { namespace } }: Rule, clientNamespace: string): boolean {
  if (spec.workloadSelector !== undefined) return namespace === clientNamespace;
  return isVisible(spec.exportTo, namespace, clientNamespace);
}

function isPrivate({ spec, metadata: { namespace } }: Rule): boolean {
  if (spec.workloadSelector !== undefined) return true;
  const [only, ...others] = new Set(spec.exportTo);
  return others.length === 0 && (only === "." || only === namespace);
}

const isShared = (rule: Rule) => !isPrivate(rule);
const anyRule = () => true;
