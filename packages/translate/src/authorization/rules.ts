/** Policies of one action as the rules of one of Envoy's filters for them. */
import type { Policy, RBAC, RBAC_Action } from "@heddle/envoy/config/rbac/v3";
import { type AuthorizationPolicy, type MeshObject } from "@heddle/model";
import type { Place } from "./attributes.ts";
import { policyOf, type Unjudged } from "./rule.ts";

export type PolicyObject = MeshObject<AuthorizationPolicy>;

/** How a policy is to be read, besides where it stands. */
export interface Reading extends Omit<Place, "namespace"> {
  readonly action: RBAC_Action;
  /** In front of, and behind, each rule's name. */
  readonly prefix?: string;
  readonly suffix?: string;
}

/**
 * Each rule under the name that a denial by it is known by. No rule is left where none matches: then ALLOW lets nobody in, and the
 * others have nothing to do.
 */
export function rulesOf(
  policies: readonly PolicyObject[],
  { action, prefix = "", suffix = "", ...reading }: Reading,
): RBAC {
  const unjudged = unjudgedBy(action);
  const named = policies.flatMap(({ metadata: { namespace, name }, spec: { rules = [] } }) =>
    rules.flatMap((rule, index): [string, Policy][] => {
      const policy = policyOf(rule, { ...reading, namespace }, unjudged);
      return policy ? [[`${prefix}${ruleName(namespace, name, index)}${suffix}`, policy]] : [];
    }),
  );
  return { action, policies: Object.fromEntries(named) };
}

export function unjudgedBy(action: RBAC_Action): Unjudged {
  return action === "ALLOW" ? "leave the rule out" : "leave the attribute out";
}

/** Istio's name for a rule, so that its users find it in logs; whoever reads them finds the policy by `readRuleName`. */
export function ruleName(namespace: string, name: string, index: number): string {
  return `ns[${namespace}]-policy[${name}]-rule[${index}]`;
}
