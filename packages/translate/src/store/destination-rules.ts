/** Which DestinationRule a client sees for a host. */
import {
  byAge,
  type DestinationRule,
  destinationRuleChoice,
  hostMatches,
  isWildcard,
  labelsMatch,
  type MeshObject,
  resolveHost,
} from "@heddle/model";
import { labelsCompared } from "../endpoint/failover-labels.ts";
import { ZONES_OF_PEERS } from "../endpoint/zones.ts";
import type { Claims } from "../engine/claims.ts";
import { ANY_NAMESPACE, type ByNamespace, byNamespace, namespacesNamed } from "./by-namespace.ts";
import { matching } from "./host-patterns.ts";
import type { ModelIndex } from "./index-of.ts";
import { Multimap } from "./multimap.ts";
import { Tracked } from "./tracked.ts";

type Rule = MeshObject<DestinationRule>;
type Labels = Readonly<Record<string, string>>;

export interface DestinationRuleSettings {
  readonly rootNamespace: string;
  readonly clusterDomain: string;
  /** The namespace of the service that a client sees under a host; undefined for hosts that nobody serves. */
  readonly namespaceOf: (host: string, clientNamespace: string) => string | undefined;
  /** Client namespaces for which that may be another than for most. */
  readonly exceptionsOf: (host: string) => Iterable<string>;
}

/** The rules for a host: by namespace, and in a namespace those that select some of its clients. */
export interface RulesForHost extends ByNamespace<Rule | undefined> {
  /** By namespace, each list in the order in which its rules are tried. */
  readonly selecting: ReadonlyMap<string, readonly SelectedClients[]>;
}

interface SelectedClients {
  /** Names the rule in place of a namespace: `namespace?app=web`. */
  readonly scope: string;
  readonly labels: Labels;
  readonly rule: Rule;
}

export class DestinationRules implements ModelIndex {
  readonly kinds = ["networking.istio.io/DestinationRule"];
  readonly #rules = new Multimap<Rule>(byAge);
  readonly #labelReaders = new Map<string, number>();
  readonly #settings: DestinationRuleSettings;
  readonly #forHost: Tracked<RulesForHost>;
  readonly #predicateLabels: Tracked<readonly string[]>;

  constructor(claims: Claims, settings: DestinationRuleSettings) {
    this.#settings = settings;
    this.#forHost = new Tracked(claims, "model/destination-rule", (host) =>
      decide(matching(this.#rules, host), host, settings),
    );
    this.#predicateLabels = new Tracked(claims, "model/destination-rules-labels", () =>
      [...this.#labelReaders.keys()].toSorted(),
    );
  }

  /** The rules for a host: from the client's namespace, else from the service's, else from the root namespace. */
  forHost(host: string): RulesForHost {
    return this.#forHost.read(host);
  }

  /** Keys of the labels of a client that some rule asks for, sorted. */
  predicateLabels(): readonly string[] {
    return this.#predicateLabels.read("");
  }

  change(before: Rule | undefined, after: Rule | undefined): void {
    if (before !== undefined) this.#file(before, "remove");
    if (after !== undefined) this.#file(after, "add");
  }

  /** A service came or went, and with it the namespace that its rules are looked for in. */
  serviceChanged(host: string): void {
    this.#forHost.touch(host);
  }

  flush(): void {
    this.#forHost.flush();
    this.#predicateLabels.flush();
  }

  #file(rule: Rule, verb: "add" | "remove"): void {
    const host = resolveHost(rule.spec.host, rule.metadata.namespace, this.#settings.clusterDomain);
    this.#rules[verb](host, rule);
    if (isWildcard(host)) this.#forHost.touchWhere((read) => hostMatches(host, read));
    else this.#forHost.touch(host);
    for (const label of labelsRead(rule)) {
      const readers = (this.#labelReaders.get(label) ?? 0) + (verb === "add" ? 1 : -1);
      if (readers > 0) this.#labelReaders.set(label, readers);
      else this.#labelReaders.delete(label);
      this.#predicateLabels.touch("");
    }
  }
}

/** By which one's answer a client goes: its namespace's, one of the namespace's selecting rules', or everybody's. */
export function scopeOf(rules: RulesForHost, namespace: string, labels: Labels): string {
  const picked = rules.selecting.get(namespace)?.find((each) => labelsMatch(each.labels, labels));
  if (picked !== undefined) return picked.scope;
  return rules.exceptions.has(namespace) ? namespace : ANY_NAMESPACE;
}

/** The rule for a scope from `scopeOf`, or for a namespace's clients that nobody selects. */
export function ruleFor(rules: RulesForHost, scope: string): Rule | undefined {
  const { generic, exceptions, selecting } = rules;
  const mark = scope.indexOf(SELECTED);
  if (mark >= 0) {
    const picked = selecting.get(scope.slice(0, mark))?.find((each) => each.scope === scope);
    if (picked !== undefined) return picked.rule;
  }
  const namespace = namespaceOfScope(scope);
  return exceptions.has(namespace) ? exceptions.get(namespace) : generic;
}

/** The namespace of the clients that a scope stands for. */
export function namespaceOfScope(scope: string): string {
  const mark = scope.indexOf(SELECTED);
  return mark < 0 ? scope : scope.slice(0, mark);
}

/** Whether a scope is that of clients whom a rule picks by their labels. */
export function byLabels(scope: string): boolean {
  return scope.includes(SELECTED);
}

/** Stands in a scope between the namespace and the labels of the clients. */
const SELECTED = "?";

/** `rules` are all that match the host. */
function decide(
  rules: readonly Rule[],
  host: string,
  { rootNamespace, clusterDomain, namespaceOf, exceptionsOf }: DestinationRuleSettings,
): RulesForHost {
  if (rules.length === 0) return NO_RULE;
  const choiceFor = (clientNamespace: string) =>
    destinationRuleChoice(rules, {
      host,
      clientNamespace,
      serviceNamespace: namespaceOf(host, clientNamespace) ?? "",
      rootNamespace,
      clusterDomain,
    });
  const candidates = [
    ...exceptionsOf(host),
    ...rules.flatMap((rule) => [
      rule.metadata.namespace,
      ...namespacesNamed(rule.spec.exportTo, rule.metadata.namespace),
    ]),
  ];
  const selecting = new Map<string, readonly SelectedClients[]>();
  for (const { spec, metadata } of rules) {
    const { namespace } = metadata;
    if (spec.workloadSelector === undefined || selecting.has(namespace)) continue;
    selecting.set(namespace, choiceFor(namespace).selecting.map(selectedClients));
  }
  return { ...byNamespace(candidates, (namespace) => choiceFor(namespace).rule), selecting };
}

function selectedClients(rule: Rule): SelectedClients {
  const labels = rule.spec.workloadSelector?.matchLabels ?? {};
  const text = Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
  return { scope: `${rule.metadata.namespace}${SELECTED}${text}`, labels, rule };
}

/** Labels of the client that a rule asks for, each once. */
function labelsRead({ spec }: Rule): Set<string> {
  const levels = [spec.trafficPolicy, ...(spec.subsets ?? []).map((each) => each.trafficPolicy)];
  const policies = levels.flatMap((level) => [level, ...(level?.portLevelSettings ?? [])]);
  return new Set([
    ...Object.keys(spec.workloadSelector?.matchLabels ?? {}),
    ...policies.flatMap((policy) => {
      const { localityLbSetting, zoneAwareLbSetting } = policy?.loadBalancer ?? {};
      return [
        ...labelsCompared(localityLbSetting?.failoverPriority),
        ...labelsCompared(zoneAwareLbSetting?.failoverPriority),
        ...(zoneAwareLbSetting === undefined ? [] : [ZONES_OF_PEERS]),
      ];
    }),
  ]);
}

const NO_RULE: RulesForHost = { generic: undefined, exceptions: new Map(), selecting: new Map() };
