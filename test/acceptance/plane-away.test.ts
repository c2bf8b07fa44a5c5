/** The plane is killed: traffic goes on, endpoints keep following the cluster, and all is in step soon after it is back. */
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "../harness/demo-process.ts";
import { failedOf, faultOf, startLoad } from "../harness/load.ts";
import { type SplitDemo, startSplitDemo } from "../harness/split-demo.ts";

let split: SplitDemo;
const rules = path.join(ROOT, "examples/bookinfo/rules");

beforeAll(async () => {
  split = await startSplitDemo({ port: 8720, gatewayPort: 8721, block: 24 });
});
afterAll(async () => {
  await split?.close();
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Milliseconds until the reviews behind the gateway satisfy `wanted`; fails after `withinMs`. */
async function untilReviews(
  wanted: (reviews: { version: string; podname: string }) => boolean,
  withinMs: number,
): Promise<number> {
  const start = Date.now();
  for (;;) {
    const response = await fetch(`${split.demo.gatewayUrl}/api/v1/products/0/reviews`).catch(
      () => undefined,
    );
    if (
      response?.status === 200 &&
      wanted((await response.json()) as { version: string; podname: string })
    ) {
      return Date.now() - start;
    }
    if (Date.now() - start > withinMs) throw new Error(`not seen within ${withinMs} ms`);
    await sleep(5);
  }
}

test("plane killed, endpoint added, agent restarted, plane back", async () => {
  const load = startLoad({
    url: `${split.demo.gatewayUrl}/productpage`,
    rate: 50,
    maxMs: 120_000,
  });
  await sleep(1_000);
  await split.killPlane();
  await sleep(1_000);

  const { pod, announce } = await split.addReviewsPod();
  await announce();
  const added = await untilReviews(({ podname }) => podname === pod.name, 10_000);
  console.log(`an added endpoint was used after ${added} ms, with the plane away`);
  expect(added).toBeLessThanOrEqual(1_000);

  await split.restartAgent();
  await expectReady(`${split.demo.agentUrl}/readyz`);
  await sleep(1_000);
  const pageAfterRestart = await fetch(`${split.demo.gatewayUrl}/productpage`);
  expect(faultOf(pageAfterRestart.status, await pageAfterRestart.text())).toBe("");

  await split.startPlane();
  const backAt = Date.now();
  const applied = await split.heddle(["apply", "-f", path.join(rules, "reviews-v3.yaml")]);
  expect(applied.code, applied.stderr).toBe(0);
  const inStep = await untilInStep(10_000);
  console.log(`in step ${inStep - backAt} ms after the plane was back, an apply included`);
  const samples = await load.stop();
  const failed = failedOf(samples);
  console.log(`${samples.length} requests, ${failed.length} failed`);
  expect(samples.length).toBeGreaterThan(300);
  expect(failed, JSON.stringify(failed.slice(0, 5))).toHaveLength(0);
  expect(inStep - backAt).toBeLessThanOrEqual(2_000);
});

/** When every proxy had acknowledged the newest revision. */
async function untilInStep(withinMs: number): Promise<number> {
  const deadline = Date.now() + withinMs;
  let last = "";
  while (Date.now() < deadline) {
    const response = await fetch(`${split.url}/v1/meshes/demo`, {
      headers: { authorization: `Bearer ${split.token}` },
    });
    last = await response.text();
    const mesh = JSON.parse(last) as {
      revision: number;
      convergence: { revision: number; state: string };
    };
    if (mesh.convergence.state === "applied" && mesh.convergence.revision === mesh.revision)
      return Date.now();
    await sleep(10);
  }
  throw new Error(`not in step within ${withinMs} ms: ${last}`);
}

async function expectReady(url: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await sleep(20);
  }
  throw new Error(`${url} is not ready`);
}
