/** Which DestinationRule a client sees for a host. */
import {
  byAge,
  chooseDestinationRule,
  type DestinationRule,
  hostMatches,
  isWildcard,
  type MeshObject,
  resolveHost,
} from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import { type ByNamespace, byNamespace, namespacesNamed } from "./by-namespace.ts";
import { matching } from "./host-patterns.ts";
import type { ModelIndex } from "./index-of.ts";
import { Multimap } from "./multimap.ts";
import { Tracked } from "./tracked.ts";

type Rule = MeshObject<DestinationRule>;

export interface DestinationRuleSettings {
  readonly rootNamespace: string;
  readonly clusterDomain: string;
  /** The namespace of the service that a host names; undefined for hosts that nobody serves. */
  readonly namespaceOf: (host: string) => string | undefined;
}

export class DestinationRules implements ModelIndex {
  readonly kinds = ["networking.istio.io/DestinationRule"];
  readonly #rules = new Multimap<Rule>(byAge);
  readonly #settings: DestinationRuleSettings;
  readonly #forHost: Tracked<ByNamespace<Rule | undefined>>;

  constructor(claims: Claims, settings: DestinationRuleSettings) {
    this.#settings = settings;
    this.#forHost = new Tracked(claims, (host) =>
      decide(matching(this.#rules, host), host, settings),
    );
  }

  /** The rule for a host: from the client's namespace, else from the service's, else from the root namespace. */
  forHost(host: string): ByNamespace<Rule | undefined> {
    return this.#forHost.read(host);
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
  }

  #file(rule: Rule, verb: "add" | "remove"): void {
    const host = resolveHost(rule.spec.host, rule.metadata.namespace, this.#settings.clusterDomain);
    this.#rules[verb](host, rule);
    if (isWildcard(host)) this.#forHost.touchWhere((read) => hostMatches(host, read));
    else this.#forHost.touch(host);
  }
}

/** `rules` are all that match the host. */
function decide(
  rules: readonly Rule[],
  host: string,
  { rootNamespace, clusterDomain, namespaceOf }: DestinationRuleSettings,
): ByNamespace<Rule | undefined> {
  if (rules.length === 0) return NO_RULE;
  const serviceNamespace = namespaceOf(host) ?? "";
  const candidates = rules.flatMap((rule) => [
    rule.metadata.namespace,
    ...namespacesNamed(rule.spec.exportTo, rule.metadata.namespace),
  ]);
  return byNamespace(candidates, (clientNamespace) =>
    chooseDestinationRule(rules, {
      host,
      clientNamespace,
      serviceNamespace,
      rootNamespace,
      clusterDomain,
    }),
  );
}

const NO_RULE: ByNamespace<undefined> = { generic: undefined, exceptions: new Map() };
