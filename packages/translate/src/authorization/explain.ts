/** What AuthorizationPolicies say of one request, and by which rule: the same policies, read in the same order, as the filters made of them. */
import type { RBAC_Action } from "@heddle/envoy/config/rbac/v3";
import {
  type AccessOutcome,
  type AccessRule,
  type AccessStep,
  type AccessTerm,
  objectKey,
} from "@heddle/model";
import type { Place } from "./attributes.ts";
import type { Facts } from "./facts.ts";
import {
  type AuthorizationInput,
  byDryRun,
  byProvider,
  type Custom,
  JUDGING,
  ofAction,
} from "./filters.ts";
import { every, identifies, not, permits, some, type Truth } from "./match.ts";
import { connectionsAskedOf } from "./provider.ts";
import { type JudgedTerm, termsOf } from "./rule.ts";
import { type PolicyObject, ruleName, unjudgedBy } from "./rules.ts";

type Layer = Place["layer"];

/** Whether a server is asked; before tokens are read, so that `facts` have none. */
export function askedSteps(
  input: AuthorizationInput,
  layer: Layer,
  facts: Facts,
): readonly AccessStep[] {
  return byProvider(ofAction(input.policies, "CUSTOM"), input).flatMap((custom) => {
    const { policies, asked } = custom;
    // A server that only speaks HTTP is asked of no connection.
    if (asked && layer === "tcp" && !connectionsAskedOf(asked, {})) return [];
    return [customStep(custom, judge(policies, "DENY", { ...input, layer }, facts))];
  });
}

/** What rules of action AUDIT, DENY and ALLOW say, in this order. Those that are tried out stand behind those in force. */
export function judgedSteps(
  input: AuthorizationInput,
  layer: Layer,
  facts: Facts,
): readonly AccessStep[] {
  return JUDGING.flatMap(([action, envoys]) => {
    const { wet, dry } = byDryRun(ofAction(input.policies, action));
    return [
      { policies: wet, dryRun: false },
      { policies: dry, dryRun: true },
    ].flatMap(({ policies, dryRun }): AccessStep[] => {
      if (policies.length === 0) return [];
      const judgement = judge(policies, envoys, { ...input, layer }, facts);
      return [{ ...STEPS[envoys](judgement), ...(dryRun ? { dryRun } : {}) }];
    });
  });
}

/** What the policies of one action say together. */
interface Judgement {
  readonly policies: readonly PolicyObject[];
  /** Whether any rule matches. */
  readonly truth: Truth;
  /** The first that does, by name, as Envoy looks at them. */
  readonly by: AccessRule | undefined;
  /** All, those that match first and then those that come nearest to it. */
  readonly rules: readonly AccessRule[];
}

interface Reading extends Omit<Place, "namespace"> {}

function judge(
  policies: readonly PolicyObject[],
  action: RBAC_Action,
  reading: Reading,
  facts: Facts,
): Judgement {
  const rules = policies
    .flatMap(({ metadata: { namespace, name }, spec }) =>
      (spec.rules ?? []).map((rule, index) => ({ namespace, name, rule, index })),
    )
    .toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
    .map(({ namespace, name, rule, index }): AccessRule => {
      const place = { ...reading, namespace };
      const terms = termsOf(rule, place);
      const leftOut = terms.unknown.length > 0 && unjudgedBy(action) === "leave the rule out";
      const [sources, operations] = [terms.sources, terms.operations].map((alternatives) =>
        nearest(alternatives, place, facts),
      ) as [Alternative, Alternative];
      const truth = leftOut
        ? false
        : every([sources, operations], (alternative) => alternative.truth);
      return {
        policy: `${namespace}/${name}`,
        rule: index,
        matches: truth === undefined ? "unknown" : truth ? "yes" : "no",
        missing: truth ? [] : [...sources.missing, ...operations.missing],
        unjudged: terms.unknown,
      };
    });
  return {
    policies,
    truth: some(rules, truthOf),
    by: rules.find(({ matches }) => matches === "yes"),
    rules: rules.toSorted((a, b) => distance(a) - distance(b)),
  };
}

function nameOf({ namespace, name, index }: { namespace: string; name: string; index: number }) {
  return ruleName(namespace, name, index);
}

const TRUTHS = { yes: true, no: false, unknown: undefined } as const;

function truthOf({ matches }: AccessRule): Truth {
  return TRUTHS[matches];
}

/** More terms than any rule has. */
const FAR = 1e6;

function distance({ matches, missing, unjudged }: AccessRule): number {
  if (matches === "yes") return -2;
  if (matches === "unknown") return -1;
  return missing.length > 0 ? missing.length : FAR + unjudged.length;
}

interface Alternative {
  /** Whether any of the alternatives holds. */
  readonly truth: Truth;
  /** What the one of them lacks that lacks the least. */
  readonly missing: readonly AccessTerm[];
}

function nearest(
  alternatives: readonly (readonly JudgedTerm[])[],
  place: Place,
  facts: Facts,
): Alternative {
  const judged = alternatives.map((terms) =>
    terms.map((term) => ({ term, truth: holds(term, place, facts) })),
  );
  const truth = some(judged, (terms) => every(terms, (each) => each.truth));
  if (truth) return { truth, missing: [] };
  const missing = judged
    .map((terms) => terms.filter((each) => each.truth !== true))
    // One that may hold yet is nearer than any that does not.
    .toSorted((a, b) => failures(a) - failures(b) || a.length - b.length)[0];
  return { truth, missing: (missing ?? []).map(({ term }) => termText(term, facts)) };
}

function failures(terms: readonly { readonly truth: Truth }[]): number {
  return terms.filter(({ truth }) => truth === false).length;
}

function holds({ attribute, values = [], notValues = [] }: JudgedTerm, place: Place, facts: Facts) {
  const anyOf = (some: readonly string[]) =>
    attribute.side === "operation"
      ? permits(attribute.anyOf(some, place), facts)
      : identifies(attribute.anyOf(some, place), facts);
  return every(
    [
      ...(values.length > 0 ? [anyOf(values)] : []),
      ...(notValues.length > 0 ? [not(anyOf(notValues))] : []),
    ],
    (truth) => truth,
  );
}

/** More rules, and values of one field, nobody reads; a list that is longer says how much. */
const MOST_RULES = 10;
const MOST_VALUES = 20;
const MOST_CHARACTERS = 200;

function termText({ field, attribute, values, notValues }: JudgedTerm, facts: Facts): AccessTerm {
  const has = attribute.has(facts);
  return {
    field,
    wants: few(values),
    not: few(notValues),
    has: has ? few(has) : null,
  };
}

function few(values: readonly string[] = []): readonly string[] {
  const shown = values
    .slice(0, MOST_VALUES)
    .map((value) =>
      value.length > MOST_CHARACTERS ? `${value.slice(0, MOST_CHARACTERS)}…` : value,
    );
  const more = values.length - shown.length;
  return more > 0 ? [...shown, `… and ${more} more`] : shown;
}

function customStep({ policies, asked, prefix }: Custom, judgement: Judgement): AccessStep {
  const provider = policies[0]?.spec.provider?.name ?? "";
  const on = { provider: JSON.stringify(provider), server: asked?.host ?? prefix };
  const step = { check: "custom authorization", ...common(judgement) } as const;
  if (judgement.truth === false)
    return { ...step, outcome: "passes", reason: `No policy asks provider ${on.provider} of it.` };
  if (!asked) {
    const reason = `Provider ${on.provider} cannot be asked: the mesh does not have it or its service, or policies of the workload name several.`;
    return {
      ...step,
      outcome: judgement.truth ? "refused" : "depends",
      reason,
      remedy:
        "Name a provider that `heddle mesh get` shows, with a service that is there, and one alone for a workload.",
    };
  }
  const when = judgement.truth ? "is asked" : "may be asked";
  return {
    ...step,
    outcome: "depends",
    reason: `The server ${on.server} of provider ${on.provider} ${when} by ${lowered(ruleText(judgement))}, and decides.`,
    remedy: "What it decides by is in its own log.",
  };
}

type StepOf = (judgement: Judgement) => AccessStep;

const STEPS: Readonly<Record<RBAC_Action, StepOf>> = {
  LOG: (judgement) => ({
    check: "audit",
    ...common(judgement),
    outcome: "passes",
    reason:
      judgement.truth === false
        ? "No policy of action AUDIT is for it."
        : `${ruleText(judgement)} ${judgement.truth ? "marks" : "may mark"} it in the access log.`,
  }),
  DENY: (judgement) => ({
    check: "deny",
    ...common(judgement),
    ...refusing(judgement.truth, "refused", "passes"),
    reason:
      judgement.truth === false
        ? "No policy of action DENY is for it."
        : `${ruleText(judgement)}, of action DENY, ${judgement.truth ? "matches" : "matches or not, by what is not known"}.${unjudgedText(judgement)}`,
    ...(judgement.truth === false
      ? {}
      : { remedy: "Narrow the rule, or change the request: no other policy outweighs a DENY." }),
  }),
  ALLOW: (judgement) => ({
    check: "allow",
    ...common(judgement),
    ...refusing(judgement.truth, "passes", "refused"),
    reason: judgement.truth
      ? `${ruleText(judgement)}, of action ALLOW, matches.`
      : judgement.truth === undefined
        ? "Whether a rule of action ALLOW matches depends on what is not known."
        : noneText(judgement),
    ...(judgement.truth ? {} : { remedy: allowRemedy(judgement) }),
  }),
};

function refusing(truth: Truth, yes: AccessOutcome, no: AccessOutcome) {
  return { outcome: truth === undefined ? "depends" : truth ? yes : no } as const;
}

/** Rules that say nothing of the outcome are left out. */
function common({ policies, by, truth, rules }: Judgement) {
  const { policy = "", rule = 0 } = by ?? {};
  const told = by ? [by] : truth === undefined ? rules.filter(isOpen) : rules;
  return {
    objects: policies
      .filter(({ metadata }) => !by || `${metadata.namespace}/${metadata.name}` === policy)
      .slice(0, MOST_VALUES)
      .map(objectKey),
    ...(by ? { rule: { policy, rule } } : {}),
    rules: told.slice(0, MOST_RULES),
  };
}

function isOpen({ matches }: AccessRule): boolean {
  return matches === "unknown";
}

function ruleText({ by, rules }: Judgement): string {
  const { policy, rule } = by ?? rules.find(isOpen) ?? { policy: "", rule: 0 };
  return `Rule ${rule} of AuthorizationPolicy ${policy}`;
}

function lowered(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

/** A rule that denies is for more connections than it seems to be. */
function unjudgedText({ by }: Judgement): string {
  const fields = by?.unjudged ?? [];
  return fields.length > 0
    ? ` Connections have no ${fields.join(" and no ")}: what asks for that alone denies all of them.`
    : "";
}

function noneText({ policies, rules }: Judgement): string {
  const names = policies.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).toSorted();
  const listed = few(names).join(", ");
  return rules.length === 0
    ? `${listed}, of action ALLOW, let nobody in: there is no rule in them.`
    : `Policies of action ALLOW are there, and no rule of theirs matches: ${listed}.`;
}

function allowRemedy({ rules }: Judgement): string {
  const [first] = rules;
  const missing = first?.missing.map(({ field }) => field) ?? [];
  if (!first || missing.length === 0)
    return "Add a rule that matches the request, in a policy of action ALLOW for this workload.";
  return `If it is to be let in, change ${[...new Set(missing)].join(" and ")} of rule ${first.rule} of ${first.policy}, which comes nearest, or add a rule of its own.`;
}
