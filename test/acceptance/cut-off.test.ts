/** The plane is away for three lifetimes of a certificate: what goes on rotating, and what serves until it ends. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PlaneMesh, startPlaneMesh } from "../harness/plane-mesh.ts";
import { until } from "../harness/plane-process.ts";
import { presentedLeaf, presentedSerial } from "../harness/sidecar-tls.ts";

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
    mesh = await cutOff(16, 8701, { HEDDLE_CERTIFICATE_LIFETIME: `${LIFETIME_S}s` });
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

describe("a cluster whose certificates the plane signs", () => {
  const LIFETIME_S = 12;
  let mesh: PlaneMesh;
  let awayFrom = 0;
  beforeAll(async () => {
    mesh = await cutOff(18, 8705, {
      ...{ HEDDLE_CERTIFICATE_LIFETIME: `${LIFETIME_S}s`, HEDDLE_CERTIFICATE_ISSUER: "plane" },
    });
    awayFrom = Date.now();
  }, 300_000);
  afterAll(() => mesh?.stop());

  /** When the first and the last certificate end, milliseconds since 1970. */
  const ends = async () => {
    const found = await Promise.all(NAMES.map((name) => presentedLeaf(mesh.pod(name).address)));
    const times = found.map(({ validTo }) => Date.parse(validTo));
    return { first: Math.min(...times), last: Math.max(...times) };
  };
  const readiness = async () => (await fetch(`${mesh.agent.url}/readyz`)).text();
  const counted = async (level: string) => {
    const metrics = await (await fetch(`${mesh.agent.url}/metrics`)).text();
    const sample = `heddle_agent_certificates{kind="leaf",level="${level}"} `;
    const line = metrics.split("\n").find((each) => each.startsWith(sample));
    return Number(line?.slice(sample.length));
  };
  /** The agent's lines of a code, with the milliseconds since 1970 that each was written at. */
  const told = (code: string) =>
    mesh.agent
      .output()
      .split("\n")
      .filter((line) => line.includes(`"${code}: `))
      .map((line) => JSON.parse(line) as { time: string; level: string })
      .map(({ time, level }) => ({ at: Date.parse(time), level }));

  test("names workloads in certificates of their own", async () => {
    for (const name of NAMES)
      expect((await presentedLeaf(mesh.pod(name).address)).subjectAltName).toBe(
        `URI:spiffe://cluster.local/ns/shop/sa/${name}, DNS:${name}.shop.workload.cluster.local`,
      );
  });

  test("tells when half of their life is left, serves until they end, and then fails", async () => {
    const end = await ends();
    // Renewed for as long as there was a plane: most of their life is left.
    expect(end.first - awayFrom).toBeGreaterThan(0.5 * LIFETIME_S * 1000);
    const calls = mesh.startCalls(PAIRS, RATE);
    await until(async () => (await readiness()).includes("HDL9110"), LIFETIME_S * 1000);
    expect(await readiness()).toMatch(/^ready\nHDL9110: Certificates of workloads are not renewed/);
    await until(async () => (await counted("warning")) === NAMES.length, LIFETIME_S * 1000);
    await until(async () => (await counted("critical")) > 0, LIFETIME_S * 1000);
    await sleep(end.first - Date.now() - 500);
    const { sent, failures } = await calls.stop();
    expect(failures).toEqual([]);
    const alerts = told("HDL9110");
    expect(alerts.map(({ level }) => level)).toEqual(["warning", "critical"]);
    const early = (alerts[0]?.at ?? Infinity) - end.first;
    expect(-early).toBeGreaterThan(0.45 * LIFETIME_S * 1000);
    expect(told("HDL9111")).toEqual([]);

    await sleep(end.last - Date.now() + 1_500);
    const late = mesh.startCalls(PAIRS, RATE);
    await sleep(awayFrom + 3 * LIFETIME_S * 1000 - Date.now());
    const ended = await late.stop();
    expect(ended.failures).toHaveLength(ended.sent);
    expect(await readiness()).toMatch(/^ready\nHDL9111: Certificates of workloads have ended/);
    expect(await counted("expired")).toBe(NAMES.length);
    console.log(
      `${sent} requests before the end, ${failures.length} failed; told ${-early} ms before; after it ${ended.failures.length} of ${ended.sent} failed`,
    );
  });

  test("serves again by itself when the plane is back", async () => {
    const since = Date.now();
    await mesh.startPlane();
    const back = Date.now();
    await until(async () => (await counted("ok")) === NAMES.length, 30_000);
    await until(async () => (await readiness()).trim() === "ready", 5_000);
    await until(async () => {
      const answers = await Promise.all(
        PAIRS.map(([from, to]) => mesh.get(from, to).catch(() => undefined)),
      );
      return answers.every((answer) => answer?.status === 200);
    }, 10_000);
    console.log(
      `the plane was up after ${back - since} ms, all served ${Date.now() - back} ms later`,
    );
    const calls = mesh.startCalls(PAIRS, RATE);
    await sleep(2_000);
    expect((await calls.stop()).failures).toEqual([]);
  });

  test("goes on with what proxies have when its agent starts anew without a plane", async () => {
    const { plane } = mesh;
    // All of them are as new as can be.
    await until(async () => (await ends()).first - Date.now() > 0.6 * LIFETIME_S * 1000, 30_000);
    await plane.kill();
    const end = await ends();
    const calls = mesh.startCalls(PAIRS, RATE);
    const restarted = mesh.restartAgent();
    await sleep(end.first - Date.now() - 500);
    const { sent, failures } = await calls.stop();
    console.log(`${sent} requests over a restart of the agent, ${failures.length} failed`);
    expect(failures).toEqual([]);
    await restarted;
    await until(async () => (await readiness()).includes("HDL9112"), 10_000);
    expect(told("HDL9112").map(({ level }) => level)).toEqual(["missing"]);
  });
});
