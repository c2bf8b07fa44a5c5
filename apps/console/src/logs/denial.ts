/** Which AuthorizationPolicy refused a request, or would have, in words. */
import type { LogLine } from "@heddle/client";

export interface Denial {
  /** One clause. */
  title: string;
  hint: string;
  /** `namespace/name`; several where none of them let the request in. */
  policies: string[];
}

type Words = readonly [title: string, hint: string];

/** By what the plane says of a line (`heddle.authorization.decision`). */
const decisions: Readonly<Record<string, Words>> = {
  "denied by a policy": ["denied by an AuthorizationPolicy", "A rule of action DENY matched."],
  "allowed by no policy": [
    "let in by no AuthorizationPolicy",
    "Policies of action ALLOW are for the workload, and no rule of theirs matched.",
  ],
  "refused by the server asked": [
    "refused by the server that a policy asks",
    "The extension provider of a policy of action CUSTOM said no.",
  ],
  "server could not be asked": [
    "the server that a policy asks did not answer",
    "It is away, or takes longer than its time-out; `failOpen` of the extension provider would let in.",
  ],
  "no server to ask": [
    "a policy has no server to ask",
    "Its extension provider is not among the mesh's settings, or policies name several.",
  ],
};

/** Undefined for a line of what was let in. */
export function explainDenial({ attributes }: Pick<LogLine, "attributes">): Denial | undefined {
  const decision = String(attributes["heddle.authorization.decision"] ?? "");
  if (!Object.hasOwn(decisions, decision)) return undefined;
  const [title, hint] = decisions[decision]!;
  const named = String(attributes["heddle.authorization.policy"] ?? "");
  const rule = attributes["heddle.authorization.rule"];
  return {
    title: rule === undefined ? title : `${title}, rule ${rule}`,
    hint,
    policies: named === "" ? [] : named.split(","),
  };
}

/** What policies that are tried out would have done; undefined where none is, or they would have let it in. */
export function explainDryRun({ attributes }: Pick<LogLine, "attributes">): string | undefined {
  const of = (action: "allow" | "deny", rest = "") =>
    attributes[`heddle.authorization.dry_run.${action}${rest}`];
  if (of("deny") === "denied") return `would be denied by ${String(of("deny", "_rule"))}`;
  return of("allow") === "denied" ? "would be let in by no policy that is tried out" : undefined;
}
