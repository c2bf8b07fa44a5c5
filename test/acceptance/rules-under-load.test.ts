/** Changes of rules under steady load: none fails a request, and each is obeyed at once. */
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type DemoProcess,
  removeDemoData,
  ROOT,
  startDemoProcess,
} from "../harness/demo-process.ts";
import { failedOf, type Sample, startLoad } from "../harness/load.ts";
import { quantile } from "../harness/quantile.ts";

const CHANGES = 50;
/** 150 commands, each a process of its own: on a busy machine that takes a while. */
const WITHIN_MS = 1_200_000;
const RATE = 200;
/** How long a change is watched: at least so long, and until half of the requests that are due by then were answered. */
const SETTLE_MS = 600;
const LEAST_SAMPLES = (RATE * SETTLE_MS) / 1000 / 2;

const rules = path.join(ROOT, "examples/bookinfo/rules");
let demo: DemoProcess;

beforeAll(async () => {
  demo = await startDemoProcess({ port: 8710, gatewayPort: 8711, block: 20 });
});
afterAll(async () => {
  await demo?.stop();
  await removeDemoData(demo);
});

/** Runs a command and answers with when it returned. */
async function command(...args: string[]): Promise<number> {
  const result = await demo.heddle(args);
  expect(result.code, result.stderr).toBe(0);
  return result.at;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a change asks for, and how an answer shows whether it was obeyed. */
interface Change {
  readonly what: string;
  readonly args: readonly string[];
  /** Versions that may answer once it is in force. */
  readonly allowed: readonly string[];
  /** The version that answers now and could not before; undefined where there is none. */
  readonly fresh?: string;
}

const apply = (file: string) => ["apply", "-f", path.join(rules, file)];
const ROUND: readonly Change[] = [
  { what: "100 % v3", args: apply("reviews-v3.yaml"), allowed: ["v3"] },
  { what: "80/20", args: apply("reviews-80-20.yaml"), allowed: ["v1", "v3"], fresh: "v1" },
  {
    what: "back",
    args: ["delete", "virtualservice", "reviews"],
    allowed: ["v1", "v2", "v3"],
    fresh: "v2",
  },
];

test(
  `${CHANGES} rounds of 100 % v3, 80/20 and back: no failed request, p99 to obedience ≤ 100 ms`,
  async () => {
    const load = startLoad({
      url: `${demo.gatewayUrl}/api/v1/products/0/reviews`,
      rate: RATE,
      maxMs: WITHIN_MS,
      pattern: '"version":"(v\\d)"',
    });
    await sleep(SETTLE_MS);
    const windows: Window[] = [];
    for (let round = 0; round < CHANGES; round++) {
      for (const change of ROUND) {
        const from = await command(...change.args);
        await sleep(SETTLE_MS);
        await load.answered(LEAST_SAMPLES, from);
        windows.push({ ...change, from, to: Date.now() });
      }
    }
    const samples = await load.stop();

    const failed = failedOf(samples);
    expect(failed, JSON.stringify(failed.slice(0, 5))).toHaveLength(0);
    const measured = windows.map((window) => ({
      what: window.what,
      delay: obedience(samples, window),
    }));
    const delays = measured.map(({ delay }) => delay);
    const figures = (of: readonly number[]) =>
      `p50 ${quantile(of, 0.5)} ms, p99 ${quantile(of, 0.99)} ms, max ${quantile(of, 1)} ms`;
    for (const { what } of ROUND) {
      const own = measured.filter((each) => each.what === what).map(({ delay }) => delay);
      expect(own).toHaveLength(CHANGES);
      console.log(`${what}: obeyed after ${figures(own)}`);
    }
    console.log(
      `${samples.length} requests, ${failed.length} failed, answered within ${figures(samples.map(({ sent, done }) => done - sent))}; ` +
        `${delays.length} changes: obeyed after ${figures(delays)}`,
    );
    expect(quantile(delays, 0.99)).toBeLessThanOrEqual(100);
  },
  WITHIN_MS,
);

interface Window extends Change {
  /** From the command's return to the next command, in milliseconds of `Date.now()`. */
  readonly from: number;
  readonly to: number;
}

/**
 * Milliseconds from the command's return until the change was seen to be obeyed: to the first request that a version answered
 * which could not before, and no earlier than the first after the last that disobeyed. Only requests that were answered before the
 * next command count: a later one may have been routed by what comes next. Fails where they are too few to tell, and where none obeyed.
 */
function obedience(samples: readonly Sample[], { what, from, to, allowed, fresh }: Window): number {
  const within = samples
    .filter(({ sent, done }) => sent >= from && done < to)
    .toSorted((a, b) => a.sent - b.sent);
  expect(within.length, `requests after ${what}`).toBeGreaterThanOrEqual(LEAST_SAMPLES);
  const disobeyed = within.findLastIndex(({ seen }) => !allowed.includes(seen));
  const witness = fresh ? within.findIndex(({ seen }) => seen === fresh) : 0;
  expect(witness, `${what}: ${fresh} never answered`).not.toBe(-1);
  const obeyed = within[Math.max(disobeyed + 1, witness)];
  expect(obeyed, `${what}: disobeyed to the end`).toBeDefined();
  return (obeyed as Sample).sent - from;
}

test("80/20 holds over 2,000 requests within binomial bounds", async () => {
  await command("apply", "-f", path.join(rules, "reviews-80-20.yaml"));
  await sleep(SETTLE_MS);
  const load = startLoad({
    url: `${demo.gatewayUrl}/api/v1/products/0/reviews`,
    rate: RATE,
    maxMs: 20_000,
    pattern: '"version":"(v\\d)"',
  });
  await sleep(12_000);
  const samples = (await load.stop()).slice(0, 2_000);
  expect(samples).toHaveLength(2_000);
  expect(failedOf(samples)).toHaveLength(0);
  const v3 = samples.filter(({ seen }) => seen === "v3").length;
  // Four standard deviations of a binomial with n = 2,000 and p = 0.2.
  const bound = 4 * Math.sqrt(2_000 * 0.2 * 0.8);
  console.log(`v3 had ${v3} of 2,000; expected 400 ± ${bound.toFixed(0)}`);
  expect(Math.abs(v3 - 400)).toBeLessThanOrEqual(bound);
});
