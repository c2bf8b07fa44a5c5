/** Conflicts are refused with both objects named, or warned of on both; `describe` shows what an object became; settings reach the proxies. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { AgentEffect } from "@heddle/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DemoProcess, removeDemoData, startDemoProcess } from "../harness/demo-process.ts";
import { until } from "../harness/plane-process.ts";

let demo: DemoProcess;
let work: string;

beforeAll(async () => {
  [demo, work] = await Promise.all([
    startDemoProcess({ port: 8783, gatewayPort: 8784, block: 192 }),
    mkdtemp(path.join(tmpdir(), "heddle-conflicts-")),
  ]);
});
afterAll(async () => {
  await demo?.stop();
  await removeDemoData(demo);
  await rm(work, { recursive: true, force: true });
});

const rule = (name: string, host: string, more = "") => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: default }
spec:
  hosts: [${host}]
  http: [{ ${more}route: [{ destination: { host: ${host} } }] }]
`;

async function apply(text: string, ...flags: string[]) {
  const file = path.join(work, "rule.yaml");
  await writeFile(file, text);
  return demo.heddle(["apply", "-f", file, ...flags]);
}

interface Described {
  readonly object: { readonly diagnostics: readonly { code: string; level: string }[] } | null;
  readonly effect: {
    readonly agents: readonly AgentEffect[];
    readonly diagnostics: readonly { code: string }[];
  };
}

async function describeRule(name: string): Promise<Described> {
  const { code, stdout, stderr } = await demo.heddle(["describe", "vs", name, "-o", "json"]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Described;
}

const codesOf = async (name: string) =>
  ((await describeRule(name)).object?.diagnostics ?? []).map(({ code }) => code);

test("a second rule for a mesh host is refused, and both are named", async () => {
  const first = await apply(rule("details", "details"));
  expect(first.code, first.stderr).toBe(0);
  const second = await apply(rule("details-too", "details"));
  expect(second.code).toBe(1);
  expect(second.stderr).toContain("IST0109");
  expect(second.stderr).toMatch(/default\/details,default\/details-too/);
  const both = `${rule("details-too", "details")}---${rule("other", "other.example")}`;
  expect((await apply(both)).code).toBe(1);
  expect((await demo.heddle(["get", "vs", "other"])).code).toBe(1);
});

test("forced, the oldest counts and both are warned of until it is mended; others are not held up", async () => {
  const forced = await apply(rule("details-too", "details", "timeout: 3s, "), "--force");
  expect(forced.code, forced.stderr).toBe(0);
  expect(await codesOf("details")).toContain("IST0109");
  expect(await codesOf("details-too")).toContain("IST0109");
  const analysis = await demo.heddle(["analyze", "-A", "-o", "json"]);
  const origins = (JSON.parse(analysis.stdout) as { code: string; origin: string }[])
    .filter(({ code }) => code === "IST0109")
    .map(({ origin }) => origin);
  expect(origins.toSorted()).toEqual([
    "VirtualService default/details",
    "VirtualService default/details-too",
  ]);
  expect((await apply(rule("other", "other.example"))).code).toBe(0);
  expect((await demo.heddle(["delete", "vs", "details-too", "other"])).code).toBe(0);
  // The agent says it too, and takes its word back when it has the new revision.
  await until(async () => !(await codesOf("details")).includes("IST0109"), 20_000);
});

test("of an object that came by kubectl and one of the plane both are warned of", async () => {
  const file = path.join(demo.dataDir, "cluster", "details.yaml");
  await writeFile(file, rule("by-kubectl", "details"));
  await until(async () => (await codesOf("details")).includes("IST0109"), 20_000);
  const described = await describeRule("by-kubectl");
  expect(described.object).toBeNull();
  expect(described.effect.agents[0]).toMatchObject({ owner: "cluster" });
  expect(described.effect.agents[0]!.document).toMatchObject({ spec: { hosts: ["details"] } });
  expect(described.effect.diagnostics.map(({ code }) => code)).toContain("IST0109");
  const text = await demo.heddle(["describe", "vs", "by-kubectl"]);
  expect(text.stdout).toMatch(/Owner:\s+cluster of agent/);
  await rm(file);
  await until(async () => !(await codesOf("details")).includes("IST0109"), 20_000);
});

test("describe names the proxies that have an object and what it became there", async () => {
  const { effect } = await describeRule("details");
  const [local] = effect.agents;
  const sidecars = local!.groups.flatMap(({ proxies }) => proxies.map(({ name }) => name));
  expect(sidecars).toEqual(expect.arrayContaining([expect.stringMatching(/^productpage-v1/)]));
  expect(sidecars.some((name) => name.startsWith("istio-ingressgateway"))).toBe(false);
  for (const { resources, proxies } of local!.groups) {
    expect(resources.every(({ type }) => type === "RDS")).toBe(true);
    expect(proxies.every(({ state }) => state === "accepted")).toBe(true);
  }
  const gateway = await demo.heddle(["describe", "gw", "bookinfo"]);
  expect(gateway.stdout).toMatch(/istio-ingressgateway/);
  expect(gateway.stdout).toMatch(/LDS/);
});

test("a setting of the mesh reaches proxies that are connected, and is rolled back like any change", async () => {
  const set = await demo.heddle([
    "mesh",
    "set",
    "outboundTrafficPolicy=REGISTRY_ONLY",
    "accessLog=false",
  ]);
  expect(set.code, set.stderr).toBe(0);
  const listeners = async () => {
    const { items } = (await (await fetch(`${demo.agentUrl}/debug/proxies`)).json()) as {
      items: { name: string }[];
    };
    const name = items.find((each) => each.name.startsWith("productpage"))!.name;
    const page = await fetch(`${demo.agentUrl}/debug/config?proxy=${name}`);
    return JSON.stringify(((await page.json()) as { listeners: unknown[] }).listeners);
  };
  await until(
    async () => !(await listeners()).includes("envoy.access_loggers.open_telemetry"),
    10_000,
  );
  await until(async () => {
    const { stdout } = await demo.heddle(["mesh", "get", "-o", "json"]);
    return (
      (JSON.parse(stdout) as { convergence: { state: string } }).convergence.state === "applied"
    );
  }, 20_000);
  expect((await demo.heddle(["rollback"])).code).toBe(0);
  const { stdout } = await demo.heddle(["mesh", "get"]);
  expect(stdout).toMatch(/traceSampling/);
  expect((await demo.heddle(["mesh", "set", "colour=red"])).code).toBe(2);
});
