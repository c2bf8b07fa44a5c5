/** What refused a request or connection, in words. */
import { type LogLine, type Refusal, refusalOf } from "@heddle/client";

export interface Denial {
  /** One clause; the objects' names and the rule stand behind it. */
  title: string;
  hint: string;
  by: Refusal["by"];
  /** `namespace/name`; several where none of them let the request in. */
  objects: readonly string[];
  /** `rule 2`, or the field of a RequestValidation. */
  rule: string | undefined;
}

type Words = readonly [title: string, hint: string];

/** By what the plane says of a line (`heddle.authorization.decision`). */
const decisions: Readonly<Record<string, Words>> = {
  "denied by a policy": ["Denied by AuthorizationPolicy", "A rule of action DENY matched."],
  "allowed by no policy": [
    "Let in by no AuthorizationPolicy",
    "Policies of action ALLOW are for the workload, and no rule of theirs matched.",
  ],
  "refused by the server asked": [
    "Refused by the server that AuthorizationPolicy asks:",
    "The extension provider of a policy of action CUSTOM said no.",
  ],
  "server could not be asked": [
    "No answer from the server that AuthorizationPolicy asks:",
    "It is away, or takes longer than its time-out; `failOpen` of the extension provider would let in.",
  ],
  "no server to ask": [
    "No server to ask for AuthorizationPolicy",
    "Its extension provider is not among the mesh's settings, or policies name several.",
  ],
};

/** Undefined for a line of what was let in. */
export function explainDenial(line: Pick<LogLine, "attributes">): Denial | undefined {
  const refusal = refusalOf(line);
  if (!refusal) return undefined;
  const { by, objects, decision, rule } = refusal;
  const [title, hint] = wordsOf(refusal);
  const numbered = by === "AuthorizationPolicy" && rule !== undefined ? `rule ${rule}` : rule;
  return { title, hint: hint || `${capital(decision)}.`, by, objects, rule: numbered };
}

function wordsOf({ by, decision }: Refusal): Words {
  if (by === "AuthorizationPolicy")
    return Object.hasOwn(decisions, decision) ? decisions[decision]! : [`Refused by ${by}`, ""];
  if (by === "RequestValidation") return [`Refused by ${by}`, ""];
  return by === "RequestAuthentication"
    ? ["Refused for its token", `As RequestAuthentication asks for: ${decision}.`]
    : [
        "Mutual TLS failed",
        `The two sides do not take each other's certificate, or modes of mutual TLS do not fit: ${decision}.`,
      ];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** For a list: `Denied by AuthorizationPolicy shop/deny-old, rule 2`. */
export function denialSentence({ title, objects, rule }: Denial): string {
  return [[title, objects.join(", ")].filter(Boolean).join(" "), rule].filter(Boolean).join(", ");
}

/** What policies that are tried out would have done; undefined where none is, or they would have let it in. */
export function explainDryRun({ attributes }: Pick<LogLine, "attributes">): string | undefined {
  const of = (action: "allow" | "deny", rest = "") =>
    attributes[`heddle.authorization.dry_run.${action}${rest}`];
  if (of("deny") === "denied") return `would be denied by ${String(of("deny", "_rule"))}`;
  return of("allow") === "denied" ? "would be let in by no policy that is tried out" : undefined;
}
