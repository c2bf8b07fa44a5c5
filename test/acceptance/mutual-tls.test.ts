/** Twenty workloads move to mutual TLS alone by what telemetry says of who calls, under traffic, and back. */
import { setTimeout as sleep } from "node:timers/promises";
import type { NamespacePlan } from "../../apps/cli/src/mtls/plan.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PlaneMesh, startPlaneMesh } from "../harness/plane-mesh.ts";

/** Ten in each namespace; the last one of the second has no sidecar, and calls in plaintext. */
const NAMESPACES = ["orders", "billing"] as const;
const workloads = NAMESPACES.flatMap((namespace) =>
  Array.from({ length: 10 }, (_, index) => ({
    ...{ name: `${namespace}-${index}`, namespace },
    sidecar: !(namespace === "billing" && index === 9),
  })),
);
const CALLER = "billing-9";
/** What it calls. */
const CALLED = "orders-3";
/** Requests a second over all of them. */
const RATE = 100;
/** Until what was sent is in the plane's store, milliseconds: Envoys, the agent and its uploader each gather for a second or two. */
const TOLD_MS = 8_000;

let mesh: PlaneMesh;

beforeAll(async () => {
  mesh = await startPlaneMesh({ port: 8702, block: 64, workloads });
}, 300_000);
afterAll(async () => {
  await mesh?.stop();
});

/** Each workload with a sidecar calls the next one of its namespace. */
const PAIRS = workloads
  .filter(({ sidecar }) => sidecar)
  .map(
    ({ name, namespace }) =>
      [name, `${namespace}-${(Number(name.split("-")[1]) + 1) % 9}`] as const,
  );

/** The caller's own requests: how each of them ended. */
const plaintext = () =>
  mesh.get(CALLER, CALLED).then(
    ({ status }) => status,
    () => "refused",
  );

async function plans(since: string): Promise<Record<string, NamespacePlan>> {
  const result = await mesh.plane.heddle(["mtls", "plan", "--since", since, "-o", "json"]);
  expect(result.code, result.stderr).toBe(0);
  const all = JSON.parse(result.stdout) as NamespacePlan[];
  return Object.fromEntries(all.map((plan) => [plan.namespace, plan]));
}

test("the plan names who calls in plaintext, enforce refuses until it has joined, and undo goes back, without a failed request", async () => {
  const traffic = mesh.startCalls(PAIRS, RATE);
  for (let index = 0; index < 5; index++) expect(await plaintext()).toBe(200);
  await expect
    .poll(async () => (await plans("5m"))["orders"], { timeout: 60_000 })
    .toMatchObject({
      standing: "blocked",
      plaintext: 5,
      callers: [
        {
          source: { namespace: "billing", name: CALLER },
          destination: { namespace: "orders", name: CALLED },
          requests: 5,
        },
      ],
    });
  expect((await plans("5m"))["billing"]).toMatchObject({ standing: "ready", plaintext: 0 });

  const early = await mesh.plane.heddle(["mtls", "enforce", "orders", "--since", "5m"]);
  expect([early.code, early.stderr]).toEqual([1, expect.stringContaining("HDL9100")]);
  expect(early.stderr).toContain(`billing/${CALLER} → orders/${CALLED}: 5 requests`);
  expect(await plaintext()).toBe(200);

  await mesh.join(CALLER);
  // What was counted before is told with the time of the next look at the counters.
  await sleep(TOLD_MS);
  const joined = Date.now();
  for (let index = 0; index < 5; index++) expect(await plaintext()).toBe(200);
  await sleep(TOLD_MS);
  const since = `${Math.floor((Date.now() - joined) / 1000)}s`;
  expect(await plans(since)).toMatchObject({
    orders: { standing: "ready", callers: [] },
    billing: { standing: "ready", callers: [] },
  });
  const moved = await mesh.plane.heddle(["mtls", "enforce", "--ready", "--since", since]);
  expect(moved.code, moved.stderr).toBe(0);
  expect(moved.stdout).toMatch(/orders takes mutual TLS alone/);
  expect(moved.stdout).toMatch(/billing takes mutual TLS alone/);
  await sleep(3_000);
  expect(await plaintext()).toBe(200);
  // Whoever proves nothing is shut out now.
  const stranger = mesh.get(CALLER, CALLED, "/", {
    ...{ host: mesh.pod(CALLED).address, port: 9080 },
  });
  await expect(stranger).rejects.toThrow(/hang up|ECONNRESET/);

  const back = await mesh.plane.heddle(["mtls", "undo", "--all"]);
  expect(back.code, back.stderr).toBe(0);
  await expect
    .poll(
      () =>
        mesh
          .get(CALLER, CALLED, "/", { host: mesh.pod(CALLED).address, port: 9080 })
          .then(({ status }) => status, String),
      { timeout: 15_000 },
    )
    .toBe(200);
  // Agents tell what is in force a moment after it is.
  const modes = async () =>
    (await mesh.plane.client.mtls("demo")).namespaces.flatMap((each) =>
      each.workloads.map(({ mode }) => mode),
    );
  await expect
    .poll(modes, { timeout: 15_000 })
    .toEqual(Array.from({ length: workloads.length }, () => "PERMISSIVE"));

  const { sent, failures } = await traffic.stop();
  console.log(`${sent} requests, ${failures.length} failed`);
  expect(failures).toEqual([]);
  expect(sent).toBeGreaterThan(1_000);
});
