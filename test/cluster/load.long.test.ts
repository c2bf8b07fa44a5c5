/**
 * An agent under the load of a middling cluster: its bundle with the rights of its account, 500 Services of 5 endpoints and their pods, 100
 * proxies by TLS that hold all of them, and EndpointSlices that change. A thousand changes in a minute; where `HEDDLE_LOAD_SECONDS` says
 * nothing else, 20 s of them at that rate.
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createKubernetesClient,
  type KubernetesClient,
  openAccess,
} from "@heddle/agent/kubernetes";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "../harness/plane-process.ts";
import { type ProcessUsage, residentOf } from "../harness/process-usage.ts";
import { quantile } from "../harness/quantile.ts";
import { type AgentProgram, startAgentProgram } from "./harness/agent-program.ts";
import { type ApiServerAlone, startApiServerAlone } from "./harness/api-server-alone.ts";
import type { ClientsReport, ClientsStart } from "./load/clients.ts";
import { makeProxies, makeServices, moveEndpoint, SERVICES } from "./load/mesh.ts";

const PROXIES = 100;
/** 1,000 in 60 s. */
const CHANGE_EVERY_MS = 60;
const SECONDS = Number(process.env["HEDDLE_LOAD_SECONDS"] ?? 20);
const CHANGES = Math.round((SECONDS * 1000) / CHANGE_EVERY_MS);
const MAX_RESIDENT = 300e6;
const MAX_MS = 1_000;
/** The busiest of machines. */
const LONG = 120_000;

let folder: string;
let api: ApiServerAlone;
let client: KubernetesClient;
let agent: AgentProgram;
let clients: ChildProcess;
const say = (line: string) => console.log(line);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-load-"));
  api = await startApiServerAlone(path.join(folder, "api"));
  client = createKubernetesClient(
    await openAccess({ kubeconfig: api.kubeconfig, context: undefined }),
    { timeout: LONG },
  );
  await makeServices(client);
  agent = await startAgentProgram({ api, folder: path.join(folder, "agent") });
}, 600_000);
afterAll(async () => {
  clients?.kill();
  await agent?.close();
  await api?.down();
  await rm(folder, { recursive: true, force: true });
});

const report = () =>
  new Promise<ClientsReport>((resolve, reject) => {
    clients.once("message", resolve);
    clients.send("report", (error) => error && reject(error));
  });
const megabytes = (bytes: number) => Math.round(bytes / 1e6);
const memoryOf = (all: readonly ProcessUsage[]) =>
  all
    .map(
      ({ name, residentBytes, peakBytes }) =>
        `${name} ${megabytes(residentBytes)} MB (peak ${megabytes(peakBytes)})`,
    )
    .join(", ");

test("gives a hundred proxies all that there is", async () => {
  say(`with the cluster read: ${memoryOf(await agent.usage())}`);
  const proxies = await makeProxies(client, PROXIES);
  clients = fork(path.join(import.meta.dirname, "load/clients.ts"), { stdio: "inherit" });
  const start = performance.now();
  clients.send({
    ...{ port: agent.ports.tls, roots: agent.roots, proxies },
    authority: "heddle-agent.heddle-system.svc",
  } satisfies ClientsStart);
  const complete = async () => {
    const { clusters, failures } = await report();
    if (failures.length > 0) throw new Error(failures.slice(0, 5).join("\n"));
    return clusters.filter((held) => held >= SERVICES).length === PROXIES;
  };
  await until(complete, LONG, () => "every proxy to have every Service");
  const { bytes } = await report();
  say(
    `${PROXIES} proxies have all after ${((performance.now() - start) / 1000).toFixed(1)} s, ${megabytes(bytes)} MB sent`,
  );
  say(memoryOf(await agent.usage()));
}, 300_000);

test("serves every change within a second, in less than 300 MB", async () => {
  const before = await agent.usage();
  const written = new Map<number, number>();
  const writes: Promise<void>[] = [];
  let resident = 0;
  const start = performance.now();
  for (let generation = 1; generation <= CHANGES; generation++) {
    await sleep(Math.max(0, start + generation * CHANGE_EVERY_MS - performance.now()));
    const write = moveEndpoint(client, generation).then(
      () => void written.set(generation, performance.timeOrigin + performance.now()),
    );
    writes.push(write);
    if (generation % 8 === 0) resident = Math.max(resident, residentOf(await agent.usage()));
  }
  await Promise.all(writes);
  const seconds = (performance.now() - start) / 1000;
  const after = await agent.usage();
  const all = async () => (await report()).served.length === CHANGES;
  await until(all, LONG, () => "every change to be with every proxy");
  const { served, failures } = await report();
  const took = served.map(([generation, at]) => at - (written.get(generation) ?? 0));
  // A watch may be faster than the answer to the write.
  const [p50 = 0, p99 = 0, max = 0] = [0.5, 0.99, 1].map((q) => Math.max(0, quantile(took, q)));
  const cpu = after.map(({ cpuSeconds }, index) => cpuSeconds - (before[index]?.cpuSeconds ?? 0));
  say(
    `${CHANGES} changes in ${seconds.toFixed(1)} s; with the last of ${PROXIES} proxies after p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)}, max ${max.toFixed(0)} ms`,
  );
  say(
    `resident at most ${megabytes(resident)} MB; ${memoryOf(after)}; cores: ${cpu.map((used) => (used / seconds).toFixed(2)).join(", ")}`,
  );
  expect(failures).toEqual([]);
  expect(max).toBeLessThan(MAX_MS);
  expect(Math.max(resident, residentOf(await agent.usage()))).toBeLessThan(MAX_RESIDENT);
}, 300_000);
