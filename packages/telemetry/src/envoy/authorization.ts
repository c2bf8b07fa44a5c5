/** Which AuthorizationPolicy decided over a request or connection, read from what the mesh's proxies write down of it. */

import type { Attributes } from "../records.ts";
import { validationFields } from "./request-validation.ts";
import { splitFlags } from "./response-flags.ts";

/** One rule of a policy; rules are counted from 0. */
export interface PolicyRule {
  namespace: string;
  name: string;
  rule: number;
}

export type Decision =
  /** A rule of action DENY matched. */
  | "denied by a policy"
  /** Policies of action ALLOW are there, and none matched. */
  | "allowed by no policy"
  /** The server that a policy of action CUSTOM asks said no. */
  | "refused by the server asked"
  /** That server could not be asked. */
  | "server could not be asked"
  /** The mesh has no such server, or several are to be asked. */
  | "no server to ask";

/** Attributes that a log line has besides what the proxy wrote. */
export const authorizationFields = {
  decision: "heddle.authorization.decision",
  /** `namespace/name`; several, comma separated, where none of them allowed. */
  policy: "heddle.authorization.policy",
  rule: "heddle.authorization.rule",
} as const;

/** Attributes that the proxy wrote, as its access log format names them. */
export const authorizationSources = {
  details: "envoy.response_code_details",
  terminationDetails: "envoy.connection_termination_details",
  askedFor: "heddle.authorization.asked_for",
  allowing: "heddle.authorization.allowing",
  dryRunAllowRule: "heddle.authorization.dry_run.allow_rule",
  dryRunDenyRule: "heddle.authorization.dry_run.deny_rule",
} as const;

const RULE = /ns\[([^\]]+)\]-policy\[([^\]]+)\]-rule\[(\d+)\](-deny-due-to-bad-CUSTOM-action)?/;

/** Of a name such as `ns[shop]-policy[deny-old]-rule[0]`, with whatever stands before it; undefined where it is none. */
export function readRuleName(text: string): PolicyRule | undefined {
  const [, namespace, name, rule] = RULE.exec(text) ?? [];
  return namespace && name ? { namespace, name, rule: Number(rule) } : undefined;
}

/**
 * The attributes with names of policies as people write them, and the decision where it was a no; `flags` are Envoy's. Names that
 * could have decided and did not are taken out.
 */
export function withAuthorization(attributes: Attributes, flags: string): Attributes {
  const { allowing, askedFor, dryRunAllowRule, dryRunDenyRule } = authorizationSources;
  const result = { ...attributes, ...decisionOf(attributes, flags) };
  delete result[allowing];
  delete result[askedFor];
  for (const name of [dryRunAllowRule, dryRunDenyRule]) {
    const found = readRuleName(String(result[name] ?? ""));
    if (found) result[name] = `${policyName(found)} rule ${found.rule}`;
  }
  return result;
}

function decisionOf(attributes: Attributes, flags: string): Attributes {
  // By the same filters of Envoy's, for what the request looked like.
  if (attributes[validationFields.decision] === "refused") return {};
  const text = (name: keyof typeof authorizationSources) =>
    String(attributes[authorizationSources[name]] ?? "");
  const why = `${text("details")} ${text("terminationDetails")}`;
  if (why.includes("rbac_access_denied_matched_policy[")) {
    const matched = readRuleName(why);
    if (!matched) return said("allowed by no policy", text("allowing"));
    const bad = RULE.exec(why)?.[4] !== undefined;
    return said(bad ? "no server to ask" : "denied by a policy", policyName(matched), matched.rule);
  }
  const asked = readRuleName(text("askedFor"));
  // Of connections there is the flag alone.
  if (!asked || !(why.includes("ext_authz") || splitFlags(flags).includes("UAEX"))) return {};
  return said(
    why.includes("ext_authz_error") ? "server could not be asked" : "refused by the server asked",
    policyName(asked),
    asked.rule,
  );
}

function said(decision: Decision, policy: string, rule?: number): Attributes {
  const { decision: first, policy: second, rule: third } = authorizationFields;
  return {
    [first]: decision,
    ...(policy === "" ? {} : { [second]: policy }),
    ...(rule === undefined ? {} : { [third]: rule }),
  };
}

function policyName({ namespace, name }: PolicyRule): string {
  return `${namespace}/${name}`;
}
