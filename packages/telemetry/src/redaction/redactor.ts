/** Which rules are for which records, and whether bytes can be passed on without being read. */
import { labelsMatch, type Redaction, selects } from "@heddle/model";
import type { Attributes, LogRecord, SpanRecord } from "../records.ts";
import { SECRETS } from "./detectors.ts";
import type { Hash } from "./form.ts";
import { redactLogs, redactTraces, type RedactionTally } from "./redact.ts";
import { compileRule, type CompiledRule } from "./rule.ts";

/** The Redactions of a mesh, oldest first. */
export interface RedactionPolicy {
  readonly rootNamespace: string;
  readonly objects: readonly NamedRedaction[];
}

export interface NamedRedaction {
  readonly namespace: string;
  readonly name: string;
  readonly spec: Redaction;
}

/** Who has proven to be the sender. */
export interface ProvenOwner {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface RedactorOptions {
  readonly hash: Hash;
  /** Milliseconds, of any clock that goes on evenly. */
  readonly now: () => number;
}

export interface Redactor {
  /** Whether something could be found in a request with these bytes, read as Latin-1. */
  concerns(latin1: string): boolean;
  /** Changes the records. Without an owner they are whose they say. */
  logs(records: readonly LogRecord[], owner: ProvenOwner | undefined, tally: RedactionTally): void;
  traces(spans: readonly SpanRecord[], owner: ProvenOwner | undefined, tally: RedactionTally): void;
  /** Rules that cannot be followed as they are written, and take away everything in their places. */
  readonly broken: readonly { readonly label: string; readonly why: string }[];
}

/** Expressions of users may take this long for one request, milliseconds; what is left then is taken away unread. */
const ALLOWANCE_MS = 500;

interface Held extends NamedRedaction {
  readonly rules: readonly CompiledRule[];
}

export function createRedactor(
  { rootNamespace, objects }: RedactionPolicy,
  { hash, now }: RedactorOptions,
): Redactor {
  const broken: { label: string; why: string }[] = [];
  const secrets = compileRule("secrets", { what: { detectors: SECRETS } }, hash).rule;
  const held: readonly Held[] = objects
    .map((object) => ({ ...object, rules: compiled(object) }))
    // The mesh's first: a namespace takes away of what they have left.
    .toSorted((a, b) => Number(isRoot(b)) - Number(isRoot(a)));
  const everything = [...held.flatMap(({ rules }) => rules), secrets];
  const trigger = triggerOf(everything);
  const run = (tally: RedactionTally) => {
    const end = now() + ALLOWANCE_MS;
    return { tally, late: () => now() > end };
  };

  return {
    broken,
    concerns: (latin1) => trigger === undefined || trigger.test(latin1),
    logs: (records, owner, tally) => redactLogs(records, chooser(owner, otherEnds), run(tally)),
    traces: (spans, owner, tally) => redactTraces(spans, chooser(owner, calledEnd), run(tally)),
  };

  function compiled({ namespace, name, spec }: NamedRedaction): CompiledRule[] {
    return (spec.rules ?? []).map((rule, index) => {
      const label = `${namespace}/${name}/${rule.name ?? index}`;
      const made = compileRule(label, rule, hash);
      if (made.broken !== undefined) broken.push({ label, why: made.broken });
      return made.rule;
    });
  }

  function isRoot({ namespace }: NamedRedaction): boolean {
    return namespace === rootNamespace;
  }

  /** The same array for the same rules. */
  function chooser<R extends { attributes: Attributes; resource: Attributes }>(
    owner: ProvenOwner | undefined,
    endsOf: (record: R) => readonly string[],
  ): (record: R) => readonly CompiledRule[] {
    const known = new Map<string, readonly CompiledRule[]>();
    return (record) => {
      const said = record.resource["k8s.namespace.name"] ?? record.resource["service.namespace"];
      const namespace = owner?.namespace ?? (said === undefined ? undefined : String(said));
      const ends = endsOf(record).filter((end) => end !== namespace);
      const key = JSON.stringify([namespace, ends]);
      let rules = known.get(key);
      if (!rules) known.set(key, (rules = rulesFor(namespace, owner?.labels, new Set(ends))));
      return rules;
    };
  }

  /** What cannot be ruled out holds: for labels or a namespace that nobody knows. */
  function rulesFor(
    namespace: string | undefined,
    labels: ProvenOwner["labels"] | undefined,
    ends: ReadonlySet<string>,
  ): readonly CompiledRule[] {
    const holds = (object: Held) => {
      const own = namespace === undefined || isRoot(object) || object.namespace === namespace;
      const selector = object.spec.selector?.matchLabels;
      const selected = !selects(selector) || labels === undefined || labelsMatch(selector, labels);
      return (own && selected) || (ends.has(object.namespace) && !selects(selector));
    };
    return [
      ...held.filter(holds).flatMap(({ rules }) => rules),
      ...(seeksSecrets(namespace, labels) ? [secrets] : []),
    ];
  }

  /** The narrowest object that says so decides. What is not proven turns nothing off. */
  function seeksSecrets(
    namespace: string | undefined,
    labels: ProvenOwner["labels"] | undefined,
  ): boolean {
    let decided = { rank: 0, on: true };
    for (const object of held) {
      const { secrets: said, selector } = object.spec;
      if (said === undefined || (!isRoot(object) && object.namespace !== namespace)) continue;
      const picks = selects(selector?.matchLabels);
      if (picks && !(labels && labelsMatch(selector?.matchLabels, labels))) continue;
      if (!isRoot(object) && labels === undefined && said === "PASS") continue;
      const rank = (picks ? 3 : 1) + (isRoot(object) ? 0 : 1);
      const on = said === "REDACT";
      if (rank > decided.rank) decided = { rank, on };
      else if (rank === decided.rank) decided = { rank, on: on || decided.on };
    }
    return decided.on;
  }
}

/** The client's proxy and the server's both write of a request: what one end takes away is not to be read at the other. */
function otherEnds({ attributes }: LogRecord): readonly string[] {
  const ends = [attributes["source.namespace"], attributes["destination.namespace"]];
  return [attributes["destination.service_namespace"], ...ends].flatMap((end) =>
    typeof end === "string" && end !== "-" && end !== "unknown" ? [end] : [],
  );
}

/** Of a span the host that was called is known: `reviews.shop.svc.cluster.local`. */
function calledEnd({ attributes }: SpanRecord): readonly string[] {
  const [, namespace, kind] = String(attributes["destination.service"] ?? "").split(".");
  return namespace !== undefined && kind === "svc" ? [namespace] : [];
}

/** Undefined where every request must be read. */
function triggerOf(rules: readonly CompiledRule[]): RegExp | undefined {
  const triggers = new Set(rules.map(({ trigger }) => trigger));
  if (triggers.has("")) return undefined;
  return new RegExp([...triggers].join("|"), "i");
}
