/**
 * The agent's translation and ADS server under load: N delta clients × S services of 5 endpoints. For each kind of change: milliseconds from
 * the change to the last acknowledgement, processor time of the server, bytes and resources sent.
 *
 *     node test/bench/ads.ts [--clients 100] [--services 1000] [--repeat 5] [--json FILE]
 */
import { fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createAdsServer } from "@heddle/agent/xds";
import { type MeshObject, objectKey } from "@heddle/model";
import { createTranslator } from "@heddle/translate";
import type { Command, Counts } from "./ads-clients.ts";

const { values: flags } = parseArgs({
  options: {
    clients: { type: "string", default: "100" },
    services: { type: "string", default: "1000" },
    repeat: { type: "string", default: "5" },
    json: { type: "string" },
  },
});
const clients = Number(flags.clients);
const services = Number(flags.services);
const repeat = Number(flags.repeat);

interface Row {
  readonly what: string;
  /** Change to last acknowledgement, median of the repetitions. */
  readonly milliseconds: number;
  readonly slowest: number;
  readonly cpuMilliseconds: number;
  readonly bytes: number;
  readonly resources: number;
}

const ENDPOINTS = 5;
/** The last acknowledgement of a change that took so long was lost. */
const ACKNOWLEDGED_WITHIN_MS = 60_000;
const mesh = {
  name: "bench",
  trustDomain: "cluster.local",
  rootNamespace: "istio-system",
  outboundTrafficPolicy: "ALLOW_ANY",
  traceSampling: 1,
  accessLog: true,
  clusterDomain: "cluster.local",
} as const;

async function main(): Promise<void> {
  const translator = createTranslator({ mesh });
  const server = createAdsServer({
    translator,
    secrets: { secret: () => undefined, subscribe: () => () => {} },
    log: { info() {}, warn: (message, fields) => console.error(message, fields) },
  });
  const port = await server.start("127.0.0.1:0");
  const change = (objects: readonly MeshObject[]): void =>
    translator.apply(objects.map((object) => ({ key: objectKey(object), object })));
  change(Array.from({ length: services }, (_, index) => objectsOf(index)).flat());
  await translator.settled();
  const memory = { loaded: process.memoryUsage().rss };

  const child = fork(join(import.meta.dirname, "ads-clients.ts"), { stdio: "inherit" });
  const tell = (command: Command): void => void child.send(command);
  const gone = new Promise<never>((_, reject) =>
    child.once("exit", (code) => reject(new Error(`the clients ended with ${code}`))),
  );
  gone.catch(() => {});
  const count = (): Promise<Counts> => {
    const counted = new Promise<Counts>((resolve) => child.once("message", resolve));
    tell("count");
    return Promise.race([counted, gone]);
  };

  let revision = 0;
  const behind = new Set<number>();
  const seen = new Set<number>();
  let arrived: () => void = () => {};
  server.onStatus((changed) => {
    for (const { stream, acknowledgedRevision, types } of changed) {
      seen.add(stream);
      if (acknowledgedRevision < revision || !types.route) behind.add(stream);
      else behind.delete(stream);
    }
    if (seen.size === clients && behind.size === 0) arrived();
  });

  /** Makes a change as a new revision and waits until the last client has acknowledged it. */
  async function measure(act: () => void): Promise<{ ms: number; cpu: number; counts: Counts }> {
    await count();
    const cpu = process.cpuUsage();
    const start = performance.now();
    revision++;
    for (const stream of seen) behind.add(stream);
    const done = new Promise<void>((resolve) => (arrived = resolve));
    act();
    server.setRevision(revision);
    await Promise.race([
      done,
      gone,
      lost(() => `${seen.size} of ${clients} clients seen, ${behind.size} behind`),
    ]);
    const ms = performance.now() - start;
    const used = process.cpuUsage(cpu);
    return { ms, cpu: (used.user + used.system) / 1000, counts: await count() };
  }

  async function row(what: string, times: number, act: (nth: number) => void): Promise<Row> {
    const runs: Awaited<ReturnType<typeof measure>>[] = [];
    for (let nth = 0; nth < times; nth++) {
      runs.push(await measure(() => act(nth)));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const failures = runs.reduce((sum, run) => sum + run.counts.failures, 0);
    if (failures > 0) throw new Error(`${failures} streams failed`);
    const median = (pick: (run: (typeof runs)[number]) => number): number =>
      runs.map(pick).toSorted((a, b) => a - b)[Math.floor(runs.length / 2)]!;
    return {
      what,
      milliseconds: median(({ ms }) => ms),
      slowest: Math.max(...runs.map(({ ms }) => ms)),
      cpuMilliseconds: median(({ cpu }) => cpu),
      bytes: median(({ counts }) => counts.bytes),
      resources: median(({ counts }) => counts.resources),
    };
  }

  const rows = [
    await row("all clients, from nothing", 1, () => tell({ connect: clients, port })),
    await row("one VirtualService changed", repeat, (nth) => change([virtualService(1, nth + 1)])),
    await row("one endpoint changed", repeat, (nth) =>
      change([sliceOf(2, ENDPOINTS + 1 + (nth % 2))]),
    ),
    await row("one subset added", repeat, (nth) => change([destinationRule(3, nth + 1)])),
    await row("one service added", repeat, (nth) => change(objectsOf(services + nth))),
    await row("nothing that matters changed", repeat, (nth) => change([unrelated(nth)])),
  ];
  const result = {
    clients,
    services,
    endpoints: ENDPOINTS,
    rows,
    memoryMegabytes: {
      loaded: Math.round(memory.loaded / 1e6),
      after: Math.round(process.memoryUsage().rss / 1e6),
      peak: Math.round((process.resourceUsage().maxRSS * 1024) / 1e6),
    },
  };
  print(result);
  if (flags.json) writeFileSync(flags.json, `${JSON.stringify(result, undefined, 2)}\n`);
  console.log(JSON.stringify(result));
  tell("end");
  await server.close();
}

/** Rejects when the acknowledgements should long have come. */
function lost(state: () => string): Promise<never> {
  return new Promise((_, reject) => {
    const late = () =>
      reject(new Error(`not acknowledged within ${ACKNOWLEDGED_WITHIN_MS} ms: ${state()}`));
    setTimeout(late, ACKNOWLEDGED_WITHIN_MS).unref();
  });
}

function print({
  rows,
  memoryMegabytes,
}: {
  rows: readonly Row[];
  memoryMegabytes: Record<string, number>;
}): void {
  console.log(`${clients} delta clients × ${services} services × ${ENDPOINTS} endpoints`);
  console.table(
    rows.map((row) => ({
      what: row.what,
      "to last ACK, ms": round(row.milliseconds),
      "slowest, ms": round(row.slowest),
      "CPU, ms": round(row.cpuMilliseconds),
      "sent, kB": round(row.bytes / 1000),
      resources: row.resources,
    })),
  );
  console.log(
    `resident: ${memoryMegabytes["loaded"]} MB loaded, ${memoryMegabytes["after"]} MB after, ${memoryMegabytes["peak"]} MB at the peak`,
  );
}

const round = (value: number): number => Math.round(value * 10) / 10;

function objectsOf(index: number): MeshObject[] {
  const pods = Array.from({ length: ENDPOINTS }, (_, pod) => podOf(index, pod));
  return [serviceOf(index), sliceOf(index, ENDPOINTS), ...pods];
}

function metadata(name: string, labels: Record<string, string> = {}): MeshObject["metadata"] {
  return { name, namespace: "default", labels, annotations: {} };
}

function serviceOf(index: number): MeshObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(`svc-${index}`),
    spec: {
      clusterIP: `10.${16 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`,
      selector: { app: `svc-${index}` },
      ports: [{ name: "http", port: 80, targetPort: 8080 }],
    },
  };
}

const address = (index: number, pod: number): string =>
  `10.${100 + pod}.${(index >> 8) & 255}.${index & 255}`;

function sliceOf(index: number, pods: number): MeshObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: metadata(`svc-${index}-1`, { "kubernetes.io/service-name": `svc-${index}` }),
    spec: {
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080 }],
      endpoints: Array.from({ length: pods }, (_, pod) => ({
        addresses: [address(index, pod)],
        conditions: { ready: true },
        targetRef: { kind: "Pod", name: `svc-${index}-${pod}` },
      })),
    },
  };
}

function podOf(index: number, pod: number): MeshObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: metadata(`svc-${index}-${pod}`, { app: `svc-${index}`, version: `v${pod + 1}` }),
    spec: {
      serviceAccountName: `svc-${index}`,
      containers: [{ name: "app" }, { name: "istio-proxy" }],
      status: { podIP: address(index, pod), phase: "Running" },
    },
  };
}

function virtualService(index: number, seconds: number): MeshObject {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: metadata(`svc-${index}`),
    spec: {
      hosts: [`svc-${index}`],
      http: [{ route: [{ destination: { host: `svc-${index}` } }], timeout: `${seconds}s` }],
    },
  };
}

function destinationRule(index: number, subsets: number): MeshObject {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: metadata(`svc-${index}`),
    spec: {
      host: `svc-${index}`,
      subsets: Array.from({ length: subsets }, (_, nth) => ({
        name: `v${nth + 1}`,
        labels: { version: `v${nth + 1}` },
      })),
    },
  };
}

/** A rule of another namespace for a host that nobody has. */
function unrelated(nth: number): MeshObject {
  const object = virtualService(0, nth + 1);
  return {
    ...object,
    metadata: { ...object.metadata, name: `other-${nth}`, namespace: "elsewhere" },
    spec: { ...(object.spec as object), hosts: [`other-${nth}.example.com`], exportTo: ["."] },
  };
}

await main();
