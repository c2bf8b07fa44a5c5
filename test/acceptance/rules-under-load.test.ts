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
const RATE = 200;
const SETTLE_MS = 300;

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

test(`${CHANGES} rounds of 100 % v3, 80/20 and back: no failed request, p99 to obedience ≤ 100 ms`, async () => {
  const load = startLoad({
    url: `${demo.gatewayUrl}/api/v1/products/0/reviews`,
    rate: RATE,
    maxMs: 580_000,
    pattern: '"version":"(v\\d)"',
  });
  const steps: { at: number; until: number; allowed: string[] }[] = [];
  for (let round = 0; round < CHANGES; round++) {
    for (const [file, allowed] of [
      ["reviews-v3.yaml", ["v3"]],
      ["reviews-80-20.yaml", ["v1", "v3"]],
    ] as const) {
      const at = await command("apply", "-f", path.join(rules, file));
      await sleep(SETTLE_MS);
      steps.push({ at, until: Date.now(), allowed: [...allowed] });
    }
    await command("delete", "virtualservice", "reviews");
  }
  const samples = await load.stop();

  const failed = failedOf(samples);
  expect(failed, JSON.stringify(failed.slice(0, 5))).toHaveLength(0);
  const delays = steps.map((step) => obedience(samples, step));
  const p99 = quantile(delays, 0.99);
  console.log(
    `${samples.length} requests, ${failed.length} failed; obedience after ${steps.length} changes: p50 ${quantile(delays, 0.5)} ms, p99 ${p99} ms, max ${Math.max(...delays)} ms`,
  );
  expect(p99).toBeLessThanOrEqual(100);
});

/** Milliseconds from the command's return to the start of the last request that did not obey it; 0 where all did. */
function obedience(
  samples: readonly Sample[],
  step: { at: number; until: number; allowed: string[] },
): number {
  const disobeyed = samples.filter(
    ({ sent, seen }) => sent >= step.at && sent < step.until && !step.allowed.includes(seen),
  );
  return Math.max(0, ...disobeyed.map(({ sent }) => sent - step.at));
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
