/** Answers whether a workload that has a proxy here would take a request, short enough for one frame. */
import type { AccessExplanation, AccessStep, WorkloadAccessQuestion } from "@heddle/model";
import { type AccessAnswer, MAX_FRAME_BYTES } from "@heddle/sync";
import type { Translator } from "@heddle/translate";
import { type LiveProxies, type LiveProxy, nameOf } from "../live-proxies.ts";

interface AccessSources {
  readonly proxies: Pick<LiveProxies, "all" | "find">;
  readonly translator: Pick<Translator, "explain" | "workloadOf">;
  readonly sourceOf: (key: string) => string | undefined;
}

/** Other workloads that are named where the one that was asked about has no proxy. */
const MOST_KNOWN = 50;
/** What a frame has around the answer, and room for what JSON escapes. */
const ENVELOPE_BYTES = 4 * 1024;

export function createAccessAnswers(
  sources: AccessSources,
): (question: WorkloadAccessQuestion) => AccessAnswer {
  return (question) => {
    const proxy = proxyOf(sources, question);
    if (!proxy) return { sources: {}, known: knownIn(sources, question.namespace) };
    const explanation = sources.translator.explain(proxy.description, question);
    const keys = explanation.steps.flatMap(({ objects }) => objects);
    const read = keys.flatMap((key) => {
      const source = sources.sourceOf(key);
      return source === undefined ? [] : [[key, source] as const];
    });
    return fitting({
      proxy: nameOf(proxy.description),
      explanation,
      sources: Object.fromEntries(read),
      known: [],
    });
  };
}

function proxyOf(
  { proxies, translator }: AccessSources,
  { namespace, workload }: WorkloadAccessQuestion,
): LiveProxy | undefined {
  return (
    proxies.find(`${workload}.${namespace}`) ??
    proxies
      .all()
      .find(
        ({ description }) =>
          description.namespace === namespace &&
          translator.workloadOf(description).workload === workload,
      )
  );
}

function knownIn({ proxies, translator }: AccessSources, namespace: string): string[] {
  const names = proxies
    .all()
    .filter(({ description }) => description.namespace === namespace)
    .map(({ description }) => translator.workloadOf(description).workload);
  return [...new Set(names)].toSorted().slice(0, MOST_KNOWN);
}

type Sent = AccessAnswer & { readonly explanation: AccessExplanation };

/** Rules go first, those that come nearest last: what decides stays. */
function fitting(answer: Sent): AccessAnswer {
  let shorter = answer;
  for (let rules = 8; !fits(shorter) && rules >= 1; rules = Math.floor(rules / 2))
    shorter = withRules(shorter, (step) => step.rules?.slice(0, rules));
  return fits(shorter) ? shorter : withRules(shorter, () => undefined);
}

function fits(answer: AccessAnswer): boolean {
  return Buffer.byteLength(JSON.stringify(answer)) <= MAX_FRAME_BYTES - ENVELOPE_BYTES;
}

function withRules(answer: Sent, of: (step: AccessStep) => AccessStep["rules"]): Sent {
  const { explanation } = answer;
  const steps = explanation.steps.map((step) => ({ ...step, rules: of(step) }));
  return { ...answer, explanation: { ...explanation, steps } };
}
