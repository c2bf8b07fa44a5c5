/** What is explained of a request is what the evaluator of Envoy's access control decides by the filters that Istio makes of the same policies. */
import type { AccessStep, ExtensionProvider } from "@heddle/model";
import { describe, expect, test } from "vitest";
import type { AuthorizationInput } from "../../../packages/translate/src/authorization/filters.ts";
import { askedSteps, judgedSteps } from "../../../packages/translate/src/authorization/explain.ts";
import type { Facts } from "../../../packages/translate/src/authorization/facts.ts";
import { ruleName } from "../../../packages/translate/src/authorization/rules.ts";
import { judge, type Verdict } from "./evaluate.ts";
import {
  type Case,
  cases,
  meshConfigOf,
  policiesOf,
  poolsFor,
  questions,
  REQUESTS,
  there,
  wantedOf,
} from "./istio-cases.ts";
import type { Question } from "./question.ts";
import { randomFrom } from "./questions.ts";

test.skipIf(!there)("Istio's cases are there", () => expect(cases).not.toEqual([]));

describe.each(cases)("$kind $name", (each) => {
  const wanted = wantedOf(each);
  const input = inputFor(each);
  const pools = poolsFor(each);

  test(`is explained as it is decided over ${REQUESTS} requests`, () => {
    for (const asked of questions(each.name, pools)) {
      const steps = explained(each, input, factsOf(asked));
      const found = verdictOf(steps);
      const expected = judge(wanted, asked);
      if (JSON.stringify(found) !== JSON.stringify(comparable(expected))) {
        expect({ found, steps, asked }).toEqual({ found: comparable(expected), steps, asked });
      }
    }
  });

  test("is never explained wrongly where something is not known", () => {
    const random = randomFrom(5);
    let open = 0;
    for (const asked of questions(each.name, pools)) {
      const steps = explained(each, input, withHoles(factsOf(asked), random));
      const expected = judge(wanted, asked);
      const [refused] = steps.filter(({ outcome, dryRun }) => outcome === "refused" && !dryRun);
      const depends = steps.some(({ outcome, dryRun }) => outcome === "depends" && !dryRun);
      // Who is asked is taken to say yes.
      const wrong = refused ? expected.allowed : !depends && !expected.allowed;
      if (wrong) expect({ expected, steps, asked }).toEqual("no difference");
      if (depends) open++;
    }
    const asks = each.want.length > 1;
    if (!asks) expect(open).toBeLessThan(REQUESTS);
  });
});

function explained({ kind }: Case, input: AuthorizationInput, facts: Facts): readonly AccessStep[] {
  return [...askedSteps(input, kind, facts), ...judgedSteps(input, kind, facts)];
}

function inputFor(each: Case): AuthorizationInput {
  const { settings } = meshConfigOf(each);
  return {
    policies: policiesOf(each),
    trustDomains: { trustDomain: each.trustDomain, trustDomainAliases: each.trustDomainAliases },
    provider: (name) => {
      const provider = (
        settings.extensionProviders as readonly ExtensionProvider[] | undefined
      )?.find((one) => one.name === name);
      return provider && { provider, host: "authorizer.test", port: 9000 };
    },
  };
}

function factsOf({ certificate, headers, ...rest }: Question): Facts {
  const { uris = [], names = [], subject = "" } = certificate ?? {};
  return {
    ...rest,
    headers,
    identities: certificate ? [...uris, ...names, subject] : [],
    complete: { headers: true, metadata: true },
  };
}

/** Some of what is known is not. */
function withHoles(facts: Facts, random: () => number): Facts {
  const kept = <T>(value: T) => (random() < 0.8 ? value : undefined);
  const entries = <T>(all: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(all).filter(() => random() < 0.8));
  return {
    ...facts,
    headers: entries(facts.headers),
    identities: kept(facts.identities),
    directRemoteAddress: kept(facts.directRemoteAddress),
    remoteAddress: kept(facts.remoteAddress),
    localAddress: kept(facts.localAddress),
    serverName: kept(facts.serverName),
    metadata: entries(facts.metadata),
    complete: { headers: false, metadata: false },
  };
}

interface Comparable {
  readonly allowed: boolean;
  readonly deniedBy: string | undefined;
  readonly asked: boolean;
  readonly marked: boolean;
  readonly dryRun: readonly string[];
}

/** Without the prefixes of rules for which servers are asked, and up to what denies. */
function comparable({ allowed, deniedBy, asked, left }: Verdict): Comparable {
  return {
    allowed,
    deniedBy: deniedBy && (/ns\[.*-rule\[\d+\]/.exec(deniedBy)?.[0] ?? deniedBy),
    asked: asked.length > 0,
    marked: left["access_log_hint"] === "true",
    dryRun: Object.entries(left)
      .filter(([name]) => name.startsWith("istio_dry_run") && name.endsWith("engine_result"))
      .map(([, result]) => result),
  };
}

function verdictOf(steps: readonly AccessStep[]): Comparable {
  const at = steps.findIndex(({ outcome, dryRun }) => outcome === "refused" && !dryRun);
  const denied = steps[at];
  const seen = at < 0 ? steps : steps.slice(0, at + 1);
  // A filter judges what is tried out before what is in force.
  const tried = steps.filter(
    (step) => step.dryRun && (seen.includes(step) || step.check === denied?.check),
  );
  return {
    allowed: denied === undefined,
    deniedBy: denied && nameOf(denied),
    asked: seen.some((step) => step.check === "custom authorization" && step.outcome === "depends"),
    marked: seen.some((step) => step.check === "audit" && step.rule !== undefined),
    dryRun: tried.map(({ outcome }) => (outcome === "refused" ? "denied" : "allowed")),
  };
}

function nameOf({ rule, check }: AccessStep): string {
  if (check === "allow" || !rule) return "none";
  const [namespace = "", name = ""] = rule.policy.split("/");
  return ruleName(namespace, name, rule.rule);
}
