/** The plane is away for three lifetimes of a certificate: what goes on rotating, and what serves until it ends. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PlaneMesh, startPlaneMesh } from "../harness/plane-mesh.ts";
import { until } from "../harness/plane-process.ts";
import { presentedSerial } from "../harness/sidecar-tls.ts";

const NAMES = ["alpha", "beta", "gamma"];
const workloads = NAMES.map((name) => ({ name, namespace: "shop", sidecar: true }));
/** Requests a second. */
const RATE = 50;

/** Every connection is a new one between the proxies too, so that a certificate that has ended is seen to. */
const SHORT_CONNECTIONS = {
  ...{ apiVersion: "networking.istio.io/v1", kind: "DestinationRule" },
  metadata: { name: "short", namespace: "shop" },
  spec: {
    host: "*.shop.svc.cluster.local",
    trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: 1 } } },
  },
};
const STRICT = {
  ...{ apiVersion: "security.istio.io/v1", kind: "PeerAuthentication" },
  ...{ metadata: { name: "default", namespace: "shop" }, spec: { mtls: { mode: "STRICT" } } },
};

/** A mesh that is STRICT and whose plane is gone. */
async function cutOff(block: number, port: number, env: Readonly<Record<string, string>>) {
  const mesh = await startPlaneMesh({ ...{ block, port, workloads, env } });
  try {
    await mesh.plane.client.apply("demo", { objects: [SHORT_CONNECTIONS, STRICT] });
    await until(() => isStrict(mesh), 30_000);
  } catch (error) {
    await mesh.stop();
    throw error;
  }
  await mesh.plane.kill();
  return mesh;
}

async function isStrict(mesh: PlaneMesh): Promise<boolean> {
  const { namespaces } = await mesh.plane.client.mtls("demo");
  return namespaces.every((each) => each.workloads.every(({ mode }) => mode === "STRICT"));
}

/** Each workload calls the next. */
const PAIRS = NAMES.map((name, index) => [name, NAMES[(index + 1) % NAMES.length]!] as const);

const serials = (mesh: PlaneMesh) =>
  Promise.all(NAMES.map((name) => presentedSerial(mesh.pod(name).address)));

describe("a cluster that signs itself", () => {
  const LIFETIME_S = 15;
  let mesh: PlaneMesh;
  beforeAll(async () => {
    mesh = await cutOff(16, 8746, { HEDDLE_CERTIFICATE_LIFETIME: `${LIFETIME_S}s` });
  }, 300_000);
  afterAll(() => mesh?.stop());

  test("goes on rotating for three lifetimes without the plane, and no request fails", async () => {
    const seen = NAMES.map(() => new Set<string>());
    const calls = mesh.startCalls(PAIRS, RATE);
    const end = Date.now() + 3 * LIFETIME_S * 1000;
    while (Date.now() < end) {
      for (const [index, serial] of (await serials(mesh)).entries()) seen[index]!.add(serial);
      await sleep(1_000);
    }
    const { sent, failures } = await calls.stop();
    console.log(
      `${sent} requests, ${failures.length} failed; certificates: ${seen.map(({ size }) => size).join(", ")}`,
    );
    expect(failures).toEqual([]);
    for (const { size } of seen) expect(size).toBeGreaterThanOrEqual(4);
  });
});
