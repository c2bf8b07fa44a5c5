/** Judges every answer by the rules that were in force, or were being put into force, while its request was under way. */
import type { Arrived } from "./applications.ts";
import { type Ask, expected, type Expected, type Outcome } from "./meaning.ts";
import type { RulesState } from "./state.ts";
import type { Answered } from "./traffic.ts";

/** One change; times in milliseconds since 1970. */
export interface Step {
  readonly what: string;
  readonly state: RulesState;
  /** Before anything of it was written. */
  readonly begun: number;
  /** Every hop had it. */
  applied: number;
}

export interface Unexpected {
  readonly answer: Answered;
  /** Of the changes that were under way or in force. */
  readonly during: readonly string[];
  readonly why: string;
  readonly expected: Expected;
  readonly states: readonly RulesState[];
}

export interface Verdict {
  readonly unexpected: readonly Unexpected[];
  /**
   * Answers of a slow machine: time-outs that the rules ask for of requests that came through, though the application was
   * quick, and what a retry that such a time-out used up did not mend.
   */
  readonly slow: number;
  /** How many states an answer was judged by, on average: the fewer, the sharper. */
  readonly statesEach: number;
}

/**
 * @param steps in order, the first with what was in force at the beginning.
 * @param arrived requests that applications have seen, by their ids.
 */
export function judge(
  steps: readonly Step[],
  answers: readonly Answered[],
  arrived: Arrived,
): Verdict {
  let slow = 0;
  let considered = 0;
  const unexpected = answers.flatMap((answer) => {
    const allowed = steps.filter(
      ({ begun }, index) =>
        begun <= answer.done && (steps[index + 1]?.applied ?? Infinity) >= answer.sent,
    );
    const states = allowed.map(({ state }) => state);
    considered += states.length;
    const all = expected(states, answer.ask);
    const why = reasons(answer, all);
    if (why === undefined) return [];
    if (isSlowness(answer, all.timeoutMs, arrived)) {
      slow++;
      return [];
    }
    return [
      {
        answer,
        during: allowed.map(({ state, what }) => `${state.version}: ${what}`),
        why,
        expected: all,
        states,
      },
    ];
  });
  return { unexpected, slow, statesEach: considered / answers.length };
}

/** Only what has come through the hop that gave up shows that the hop led it where it should. */
function isSlowness(answer: Answered, timeoutMs: number, { front, reviews }: Arrived): boolean {
  const { ask, status, frontHost } = answer;
  const id = ask.headers["x-o-id"] ?? "";
  if (!atLeast(answer.done - answer.sent, timeoutMs)) return false;
  if (status === 503) return ask.headers["x-o-behave"] === "flaky" && reviews.has(id);
  // Only what `front` has answered carries its header.
  return status === 504 && (frontHost === "" ? front : reviews).has(id);
}

/** Undefined where one of the outcomes is what was seen; else what speaks against the nearest. */
function reasons(answer: Answered, { outcomes }: Expected): string | undefined {
  const took = answer.done - answer.sent;
  let nearest: string | undefined;
  for (const outcome of outcomes) {
    const against = difference(answer, outcome, took);
    if (against === undefined) return undefined;
    if (outcome.status === answer.status) nearest = against;
  }
  return (
    nearest ??
    `status ${answer.status}; expected ${[...new Set(outcomes.map(({ status }) => status))].join(" or ")}`
  );
}

function difference(answer: Answered, outcome: Outcome, took: number): string | undefined {
  if (answer.status !== outcome.status) return `status ${answer.status}`;
  if (!atLeast(took, outcome.atLeastMs)) return `took ${took} ms, not ${outcome.atLeastMs}`;
  if (answer.location !== (outcome.location ?? "")) return `location ${answer.location}`;
  if (outcome.body !== undefined && answer.body !== outcome.body) return `body ${answer.body}`;
  if (outcome.seen) {
    const seen = parsed(answer.body);
    if (!seen) return `no application answered: ${answer.body}`;
    if (!outcome.seen.names.has(seen.name)) return `answered by ${seen.name}`;
    if (answer.frontHost !== outcome.seen.frontHost) return `front was called ${answer.frontHost}`;
    for (const key of ["method", "host", "path", "query"] as const)
      if (seen.ask[key] !== outcome.seen[key])
        return `${key} ${seen.ask[key]}, not ${outcome.seen[key]}`;
    const against = headersDiffer(seen.ask.headers, outcome.seen.headers);
    if (against) return `request header ${against}`;
  } else if (answer.body.startsWith("{")) return "an application answered";
  const against = outcome.headers && headersDiffer(answer.headers, outcome.headers);
  return against ? `answer header ${against}` : undefined;
}

/** Envoy counts from when it last looked at the clock, which under load is some milliseconds before. */
function atLeast(took: number, limit: number): boolean {
  return took >= limit * 0.95 - 5;
}

/** Values that several levels add come in no order that is promised. */
function headersDiffer(
  seen: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): string | undefined {
  for (const name of new Set([...Object.keys(seen), ...Object.keys(wanted)]))
    if (sorted(seen[name]) !== sorted(wanted[name]))
      return `${name}: ${seen[name]}, not ${wanted[name]}`;
  return undefined;
}

function sorted(value: string | undefined): string | undefined {
  return value?.split(", ").toSorted().join(", ");
}

function parsed(body: string): { name: string; ask: Ask } | undefined {
  try {
    return JSON.parse(body) as { name: string; ask: Ask };
  } catch {
    return undefined;
  }
}
