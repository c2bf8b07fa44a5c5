/** `heddle agent debug graph` of a real agent, with clients that hold what it serves. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseAgentOptions, type RunningAgent, startAgent } from "@heddle/agent";
import { afterAll, beforeAll, expect, it } from "vitest";
import { serviceDocument, sliceDocument, until } from "../../../../agent/src/testing/envoy-pod.ts";
import { freePorts } from "../../../../agent/src/testing/free-ports.ts";
import { quiet } from "../../../../agent/src/testing/quiet-log.ts";
import { TestClient } from "../../../../agent/src/xds/testing/client.ts";
import { heddle } from "../../../../test/harness/demo-process.ts";

const PORT = 9080;
let folder: string;
let agent: RunningAgent;
let metrics: string;
const clients: TestClient[] = [];

const graph = (...args: string[]) =>
  heddle(["agent", "debug", "graph", "--agent", metrics, ...args]);
const write = (name: string, ...items: readonly object[]) =>
  writeFile(
    path.join(folder, "config", `${name}.json`),
    JSON.stringify({ apiVersion: "v1", kind: "List", items }),
  );
const rule = (timeout: string) =>
  write("rule", {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "api", namespace: "default" },
    spec: { hosts: ["api"], http: [{ timeout, route: [{ destination: { host: "api" } }] }] },
  });
const served = (timeout: string) =>
  until(
    () =>
      clients.every((client) =>
        JSON.stringify([...client.state.get("route")!.values()]).includes(`"timeout":"${timeout}"`),
      ),
    20_000,
  );

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-graph-"));
  await mkdir(path.join(folder, "config"));
  const [xdsPort = 0, metricsPort = 0] = await freePorts(2);
  metrics = `http://127.0.0.1:${metricsPort}`;
  const pods = ["127.0.5.1", "127.0.5.2"].map((address) => ({ name: "api", address }));
  await write("cluster", serviceDocument("api", PORT), sliceDocument("api", PORT, pods as never));
  const flags = {
    ...{ standalone: true, config: path.join(folder, "config"), roles: "control" },
    ...{ state: path.join(folder, "state"), xds: `127.0.0.1:${xdsPort}` },
    metrics: `127.0.0.1:${metricsPort}`,
  };
  agent = await startAgent(parseAgentOptions(flags), quiet);
  for (const name of ["one", "two"])
    clients.push(
      new TestClient({
        ...{ port: xdsPort, dialect: "delta" },
        id: `sidecar~127.0.6.1~${name}.default~default.svc.cluster.local`,
      }),
    );
  await rule("1s");
  await served("1s");
  await rule("2s");
  await served("2s");
});
afterAll(async () => {
  for (const client of clients) client.close();
  await agent?.close();
  await rm(folder, { recursive: true, force: true });
});

it("shows the last change as a tree from its object to the proxies", async () => {
  const { code, stdout } = await graph();
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Change \d+, \d+s ago: VirtualService default\/api$/m);
  expect(stdout).toMatch(
    /^\d+ derivations ran: .*\d changed.*; 2 proxies told, .* after the change$/m,
  );
  expect(stdout).toMatch(
    /^VirtualService default\/api\n(?:[├└│ ].*\n)*[├└]─ model\/virtual-service api\.default\.svc\.cluster\.local {2}changed\n[│ ] {2}[├└]─ route\//m,
  );
  expect(stdout).toMatch(
    /─ view\/own × 2 (one\.default, two|two\.default, one)\.default {2}changed .*→ route \S+ at 2 proxies/,
  );
});

it("prints the same as JSON, of the change that is meant", async () => {
  const { stdout } = await graph("--object", "virtualservice/default/api", "-o", "json");
  const change = JSON.parse(stdout) as { number: number; objects: string[]; views: number };
  expect(change).toMatchObject({
    objects: ["networking.istio.io/VirtualService/default/api"],
    views: 2,
  });
  const before = await graph(String(change.number - 1), "-o", "json");
  expect(JSON.parse(before.stdout)).toMatchObject({ number: change.number - 1, views: 2 });
});

it("lists what is kept", async () => {
  const { stdout } = await graph("--list");
  expect(stdout).toMatch(/^CHANGE +AGE +DERIVATIONS +EQUAL +PROXIES +TOOK +OBJECTS$/m);
  expect(stdout.match(/VirtualService default\/api$/gm)).toHaveLength(2);
});

it("says what there is where a change is not kept", async () => {
  const { code, stderr } = await graph("--object", "Gateway/none");
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /HDL9150 None of the changes that the agent keeps is meant: it has 1 to \d/,
  );
});

it("explains itself", async () => {
  const { code, stdout } = await heddle(["agent", "debug", "graph", "--help"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/of all that it reads, that was the first to be another/);
});
