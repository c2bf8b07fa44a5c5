/** Under steady traffic the agent is killed while rules change, files are torn, objects have two owners: no request fails. */
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { createClient, type HeddleClient } from "@heddle/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { failedOf, faultOf, type Load, startLoad } from "../harness/load.ts";
import { until } from "../harness/plane-process.ts";
import { type SplitDemo, startSplitDemo } from "../harness/split-demo.ts";

const KILLS = 8;
/** What is waited for takes well under a second on a machine of its own. */
const WITHIN_MS = 15_000;
const KEY = "networking.istio.io/VirtualService/default/reviews";

let split: SplitDemo;
let client: HeddleClient;
let load: Load;

beforeAll(async () => {
  split = await startSplitDemo({ port: 8777, gatewayPort: 8778, block: 48 });
  client = createClient({ baseUrl: split.url, token: split.token });
  load = startLoad({ url: `${split.demo.gatewayUrl}/productpage`, rate: 40, maxMs: 170_000 });
});
afterAll(async () => {
  await split?.close();
});

const reviews = (subset: string) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name: "reviews" },
  spec: {
    hosts: ["reviews"],
    http: [{ route: [{ destination: { host: "reviews", subset } }] }],
  },
});

/** The versions of reviews that answer so many requests in a row. */
async function versions(requests: number): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let i = 0; i < requests; i++) {
    const response = await fetch(`${split.demo.gatewayUrl}/api/v1/products/0/reviews`);
    const body = await response.text();
    expect(faultOf(response.status, body)).toBe("");
    const { podname } = JSON.parse(body) as { podname: string };
    seen.add(/-(v\d)-/.exec(podname)?.[1] ?? podname);
  }
  return seen;
}

async function untilOnly(version: string, withinMs: number): Promise<void> {
  await until(
    async () => [...(await versions(6))].join() === version,
    withinMs,
    () => `only ${version}`,
  );
}

async function debug<T>(page: string): Promise<T> {
  return (await (await fetch(`${split.demo.agentUrl}/debug/${page}`)).json()) as T;
}

const codesAtAgent = async () =>
  (await debug<{ items: { code: string }[] }>("diagnostics")).items.map(({ code }) => code);

const keysAtAgent = async () =>
  (await debug<{ items: { key: string }[] }>("objects")).items.map(({ key }) => key).toSorted();

async function badFiles(): Promise<number> {
  const metrics = await (await fetch(`${split.demo.agentUrl}/metrics`)).text();
  return Number(/^heddle_agent_bad_files (\d+)$/m.exec(metrics)?.[1]);
}

test("the agent killed while rules are on their way comes back in step each time", async () => {
  for (let round = 0; round < KILLS; round++) {
    const subset = `v${1 + (round % 3)}`;
    const pid = split.group.pid("agent") as number;
    const pause = Math.random() * 60;
    const killing = new Promise((resolve) => setTimeout(resolve, pause)).then(() =>
      process.kill(pid, "SIGKILL"),
    );
    const { revision } = await client.apply("demo", { objects: [reviews(subset)] });
    await killing;
    await split.restartAgent();
    const began = Date.now();
    await until(
      async () => {
        const { convergence } = await client.getMesh("demo");
        return convergence.state === "applied" && convergence.revision === revision;
      },
      20_000,
      () => `revision ${revision} applied`,
    );
    expect(await versions(10)).toEqual(new Set([subset]));
    console.log(`killed ${Math.round(pause)} ms into a push; in step ${Date.now() - began} ms on`);
  }
});

test("of two owners the cluster wins, both sides say so, and nothing flaps", async () => {
  await client.apply("demo", { objects: [reviews("v3")] });
  await untilOnly("v3", WITHIN_MS);
  const file = path.join(split.demo.clusterDir, "reviews.json");
  await writeFile(file, JSON.stringify(reviews("v1")));
  await untilOnly("v1", WITHIN_MS);
  expect(await codesAtAgent()).toContain("HDL7210");
  const codesAtPlane = async () =>
    (await client.getObject("demo", KEY)).diagnostics.map(({ code }) => code);
  await until(async () => (await codesAtPlane()).includes("HDL7210"), WITHIN_MS);
  const analyzed = await split.heddle(["analyze"]);
  expect(analyzed.stdout + analyzed.stderr).toMatch(/Warning \[HDL7210\].*default\/reviews/);
  const refused = client.apply("demo", { objects: [reviews("v2")] });
  await expect(refused).rejects.toMatchObject({ code: "HDL1030" });

  // Neither other revisions nor a restart bring the loser into force.
  const unrelated = { ...reviews("v1"), metadata: { name: "unrelated" } };
  unrelated.spec.hosts = ["unrelated.example.com"];
  await client.apply("demo", { objects: [unrelated] });
  const during = versions(150);
  await split.restartAgent();
  await client.deleteObject("demo", "networking.istio.io/VirtualService/default/unrelated");
  expect(await during).toEqual(new Set(["v1"]));
  await until(
    async () => (await codesAtAgent().catch((): string[] => [])).includes("HDL7210"),
    WITHIN_MS,
  );

  await rm(file);
  await untilOnly("v3", WITHIN_MS);
  await until(async () => !(await codesAtPlane()).includes("HDL7210"), WITHIN_MS);
  expect(await codesAtAgent()).not.toContain("HDL7210");
  // And the other way to settle it: the plane lets its own go.
  await writeFile(file, JSON.stringify(reviews("v2")));
  await until(async () => (await codesAtPlane()).includes("HDL7210"), WITHIN_MS);
  expect((await split.heddle(["delete", "vs", "reviews"])).code).toBe(0);
  await untilOnly("v2", WITHIN_MS);
  await rm(file);
  await until(async () => !(await keysAtAgent()).includes(KEY), WITHIN_MS);
});

test("a file that is torn or garbage leaves what it last held in force, and is named", async () => {
  const file = path.join(split.demo.clusterDir, "bookinfo.yaml");
  const whole = await readFile(file, "utf8");
  const keys = await keysAtAgent();
  const torn = whole.slice(0, whole.indexOf("apiVersion", whole.length / 2) + 4);
  for (const bad of [torn, "\u0000\u0001 no manifest {{{", `${whole}\n---\nkind: [`]) {
    await writeFile(file, bad);
    await until(
      async () => (await badFiles()) === 1,
      WITHIN_MS,
      () => `bad: ${bad.slice(-20)}`,
    );
    expect(await codesAtAgent()).toContainEqual(expect.stringMatching(/^HDL00/));
    expect(await keysAtAgent()).toEqual(keys);
    await versions(20);
  }
  expect(await readFile(split.group.logFile("agent"), "utf8")).toMatch(/HDL7211.*bookinfo\.yaml/);
  await writeFile(file, whole);
  await until(async () => (await badFiles()) === 0, WITHIN_MS);
});

test("through all of it no request failed", async () => {
  const samples = await load.stop();
  const failed = failedOf(samples);
  console.log(`${samples.length} requests, ${failed.length} failed`);
  expect(samples.length).toBeGreaterThan(500);
  expect(failed, JSON.stringify(failed.slice(0, 5))).toHaveLength(0);
});
