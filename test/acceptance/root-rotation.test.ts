/** The root is rotated across 20 Envoys under 300 requests a second, each with a handshake of its own: none fails. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../../agent/src/testing/envoy-pod.ts";
import {
  type RingOfPods,
  rootsOfEnvoy,
  startRingOfPods,
} from "../../agent/src/testing/ring-of-pods.ts";
import { handshakes } from "../harness/sidecar-tls.ts";

const ENVOYS = 20;
const RATE = 300;
const ROTATIONS = 3;

let ring: RingOfPods;
beforeAll(async () => {
  ring = await startRingOfPods(ENVOYS, 56, process.env["HEDDLE_ENVOY"] as string);
}, 180_000);
afterAll(() => ring?.close());

const shaken = async () => {
  const counts = await Promise.all(ring.pods.map(({ address }) => handshakes(address)));
  return counts.reduce((sum, each) => sum + each, 0);
};

test(`${ROTATIONS} rotations, and one that is turned around, across ${ENVOYS} Envoys under ${RATE} requests/s: no failed request`, async () => {
  const client = ring.client();
  const before = await shaken();
  const began = performance.now();
  const traffic = ring.startTraffic(RATE);
  const over = async (state: string) => {
    const took = await until(async () => (await client.rotation("test")).state === state, 120_000);
    // Some time with what is in force now.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    return took;
  };
  for (let turn = 0; turn < ROTATIONS; turn++) {
    await client.startRotation("test");
    console.log(`rotated in ${Math.round(await over("completed"))} ms`);
  }
  await client.startRotation("test", { automatic: false });
  await until(async () => (await client.rotation("test")).allHolders === 0, 120_000);
  await client.advanceRotation("test");
  await client.abortRotation("test");
  console.log(`turned around in ${Math.round(await over("aborted"))} ms`);
  const { count, failed } = await traffic.stop();
  const seconds = (performance.now() - began) / 1000;
  const made = (await shaken()) - before;
  console.log(
    `${count} requests in ${seconds.toFixed(1)} s (${(count / seconds).toFixed(0)}/s), ${made} handshakes, ${failed.length} failed`,
  );
  expect(failed.slice(0, 5)).toEqual([]);
  expect(count / seconds).toBeGreaterThan(RATE * 0.9);
  expect(made).toBeGreaterThanOrEqual(count);
  const { issuer } = await client.trustBundle("test");
  for (const pod of ring.pods) expect(await rootsOfEnvoy(pod)).toEqual([issuer]);
});
