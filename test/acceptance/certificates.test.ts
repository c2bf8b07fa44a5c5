/** Certificates that live for 30 s rotate under traffic without a failed request, and STRICT refuses plaintext. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { failedOf, startLoad } from "../harness/load.ts";
import { handshakes, heldSerials, plaintext, presentedSerial } from "../harness/sidecar-tls.ts";
import { type SplitDemo, startSplitDemo } from "../harness/split-demo.ts";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { tmpdir } from "node:os";

const ROTATE_FOR_MS = 180_000;
const RATE = 50;
let split: SplitDemo;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-certificates-"));
  split = await startSplitDemo({
    port: 8730,
    gatewayPort: 8731,
    block: 28,
    env: { HEDDLE_CERTIFICATE_LIFETIME: "30s" },
  });
});
afterAll(async () => {
  await split?.close();
  await rm(folder, { recursive: true, force: true });
});

const STRICT = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
`;

/** From the gateway to the last service: no hop lives on a handshake of an earlier certificate. */
const REQUESTS_PER_CONNECTION = 5;
const SHORT_CONNECTIONS = ["productpage", "details", "reviews", "ratings"]
  .map(
    (host) => `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${host} }
spec:
  host: ${host}
  trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: ${REQUESTS_PER_CONNECTION} } } }
`,
  )
  .join("---\n");

async function apply(name: string, manifest: string): Promise<void> {
  const file = path.join(folder, name);
  await writeFile(file, manifest);
  const applied = await split.heddle(["apply", "-f", file]);
  expect(applied.code, applied.stderr).toBe(0);
}

test("30 s certificates rotate for 3 minutes under traffic; a plaintext client is refused in STRICT", async () => {
  const { pods } = split.demo.cluster;
  // Before STRICT the mesh is permissive: the same plaintext request is answered.
  for (const { address } of pods) expect(await plaintext(address)).toMatch(/^HTTP\/1.1 200/);
  await apply("connections.yaml", SHORT_CONNECTIONS);
  await apply("strict.yaml", STRICT);
  // Nobody of the mesh comes in plaintext, so there is nobody to wait for.
  const since = performance.now();
  for (const { address } of pods)
    await expect.poll(() => plaintext(address), { timeout: 10_000 }).toBe("refused");
  console.log(`plaintext is refused everywhere after ${Math.round(performance.now() - since)} ms`);

  /** By pod, each certificate in the order in which it was presented, with the handshakes that were seen meanwhile. */
  const presented = new Map(pods.map(({ name }) => [name, new Map<string, number>()]));
  const counted = new Map<string, number>();
  const load = startLoad({
    url: `${split.demo.gatewayUrl}/productpage`,
    rate: RATE,
    maxMs: 2 * ROTATE_FOR_MS,
  });
  const before = new Map<string, number>();
  for (const { name, address } of pods) before.set(name, await handshakes(address));
  const strange: string[] = [];
  let slowest = 0;
  const end = Date.now() + ROTATE_FOR_MS;
  while (Date.now() < end) {
    for (const { name, address } of pods) {
      const held = await heldSerials(address);
      const asked = Date.now();
      const serial = await presentedSerial(address).catch((error: Error) => error.message);
      slowest = Math.max(slowest, Date.now() - asked);
      const still = await heldSerials(address);
      if (!held.has(serial) && !still.has(serial)) {
        strange.push(`${name}: ${serial}`);
        continue;
      }
      const count = await handshakes(address);
      const own = presented.get(name) as Map<string, number>;
      own.set(serial, (own.get(serial) ?? 0) + count - (counted.get(name) ?? count));
      counted.set(name, count);
    }
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
  const samples = await load.stop();
  const failed = failedOf(samples);
  console.log(
    `${samples.length} requests, ${failed.length} failed; slowest handshake ${slowest} ms`,
  );
  expect(samples.length).toBeGreaterThanOrEqual((ROTATE_FOR_MS / 1000) * RATE * 0.95);
  expect(failed, JSON.stringify(failed.slice(0, 5))).toHaveLength(0);
  // Every handshake was made with a certificate that Envoy held just then.
  expect(strange).toEqual([]);
  for (const { name, address } of pods) {
    const certificates = [...(presented.get(name) as Map<string, number>).values()];
    const total = (await handshakes(address)) - (before.get(name) as number);
    console.log(`${name}: ${total} handshakes with ${certificates.length} certificates`);
    expect(certificates.length, name).toBeGreaterThanOrEqual(6);
    // Of the first and the last one only a part was watched.
    for (const each of certificates.slice(1, -1)) expect(each, name).toBeGreaterThanOrEqual(10);
    // The page asks productpage, details and reviews once each.
    if (/^(productpage|details)/.test(name))
      expect(total).toBeGreaterThanOrEqual(samples.length / REQUESTS_PER_CONNECTION);
  }
  for (const { address } of pods) expect(await plaintext(address)).toBe("refused");
});
