/**
 * The translation engine at size: 10,000 services in 100 namespaces, seen by 20 clients of 20 namespaces. Prints memory,
 * times and how much one change recomputes; exits with 1 where a limit is not met.
 *
 *     node test/bench/engine.ts [services] [views]
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type MeshObject, objectKey } from "@heddle/model";
import { createTranslator, parseNode, type Translator } from "@heddle/translate";

const SERVICES = Number(process.argv[2] ?? 10_000);
const VIEWS = Number(process.argv[3] ?? 20);
const NAMESPACES = 100;

/** Bytes. */
const RUNTIME_KEEPS = 5e6;
/** Megabytes are resident ones, without the pages that V8 keeps for what may come: those differ by some from run to run. */
const LIMITS = { neededMb: 300, recomputed: 50 };

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as (options?: object) => void;

async function main(): Promise<void> {
  const start = rss();
  const translator = createTranslator({
    mesh: {
      name: "bench",
      trustDomain: "cluster.local",
      rootNamespace: "istio-system",
      outboundTrafficPolicy: "ALLOW_ANY",
      traceSampling: 1,
      accessLog: true,
      clusterDomain: "cluster.local",
    },
  });
  const loadTime = await timed(() => {
    const objects = Array.from({ length: SERVICES }, (_, i) => objectsOf(i)).flat();
    translator.apply(objects.map((object) => ({ key: objectKey(object), object })));
  });
  const loaded = rss();
  const loadedHeap = heap();
  print("objects loaded", `${mb(loaded - start)} MB, ${loadTime.toFixed(0)} ms`);

  const views = Array.from({ length: VIEWS }, (_, i) =>
    translator.view(
      parseNode({
        id: `sidecar~10.200.0.${i}~client-${i}.ns-${i}~ns-${i}.svc.cluster.local`,
        metadata: { LABELS: { app: `client-${i}` } },
      }),
    ),
  );
  const pause = longestPause();
  const viewTime = await timed(() => translator.settled());
  const longest = pause.stop();
  const assembled = rss();
  const held = translator.stats();
  print("views assembled", `${mb(assembled - loaded)} MB, ${viewTime.toFixed(0)} ms`);
  print("longest turn meanwhile", `${longest.toFixed(0)} ms`);
  print("derivations alive", String(held.alive));
  print("resources of a view", sizes(views[0] as (typeof views)[number]));
  print("growth in all", `${mb(assembled - start)} MB`);
  const needed = needs() - start;
  print("of it needed", `${mb(needed)} MB (limit ${LIMITS.neededMb})`);

  const rule = await change(translator, virtualService(0, 1));
  print(
    "one VirtualService",
    `${rule.recomputed} recomputed (limit ${LIMITS.recomputed}), ${rule.ms.toFixed(1)} ms`,
  );
  const again = await change(translator, virtualService(0, 2));
  print(
    "the same, changed",
    `${again.recomputed} recomputed (limit ${LIMITS.recomputed}), ${again.ms.toFixed(1)} ms: ${again.names}`,
  );
  const endpoint = await change(translator, sliceOf(5, 3));
  print("one endpoint", `${endpoint.recomputed} recomputed, ${endpoint.ms.toFixed(1)} ms`);
  const policy = await change(translator, destinationRule(7));
  print("one DestinationRule", `${policy.recomputed} recomputed, ${policy.ms.toFixed(1)} ms`);

  const before = heap();
  for (const view of views.splice(1)) view.dispose();
  await translator.settled();
  const one = heap();
  print(
    "all views but one gone",
    `${mb(before - one)} MB of heap back, ${translator.stats().alive} alive`,
  );
  for (const view of views) view.dispose();
  await translator.settled();
  const none = heap();
  const left = translator.stats();
  print("all views gone", `${mb(one - none)} MB of heap back, ${left.alive} alive`);
  print("heap kept", `${mb(none - loadedHeap)} MB over the loaded objects`);

  const failed = [
    needed > LIMITS.neededMb * 1e6 && "memory",
    Math.max(rule.recomputed, again.recomputed) > LIMITS.recomputed && "recomputed derivations",
    left.alive > 0 && "derivations left",
    // Compiled code and caches of the runtime's own stay, whatever the size.
    none - loadedHeap > RUNTIME_KEEPS + (before - loadedHeap) / 10 && "memory not given back",
  ].filter((each) => each !== false);
  if (failed.length > 0) {
    console.log(`limits not met: ${failed.join(", ")}`);
    process.exitCode = 1;
  }
}

async function change(
  translator: Translator,
  object: MeshObject,
): Promise<{ recomputed: number; ms: number; names: string }> {
  translator.stats();
  const ms = await timed(() => {
    translator.apply([{ key: objectKey(object), object }]);
    return translator.settled();
  });
  const { recomputed, byName } = translator.stats();
  const names = Object.entries(byName)
    .filter(([, stats]) => stats.recomputed > 0)
    .map(([name, stats]) => `${name} ${stats.recomputed}`);
  return { recomputed, ms, names: names.join(", ") };
}

function objectsOf(i: number): MeshObject[] {
  return [service(i), sliceOf(i, 2), podOf(i, 0), podOf(i, 1)];
}

function metadata(name: string, i: number, labels: Record<string, string> = {}) {
  return { name, namespace: `ns-${i % NAMESPACES}`, labels, annotations: {} };
}

function service(i: number): MeshObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(`svc-${i}`, i),
    spec: {
      clusterIP: `10.${16 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`,
      selector: { app: `svc-${i}` },
      ports: [{ name: "http", port: 80, targetPort: 8080 }],
    },
  };
}

function address(i: number, pod: number): string {
  return `10.${100 + pod}.${(i >> 8) & 255}.${i & 255}`;
}

function sliceOf(i: number, pods: number): MeshObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: metadata(`svc-${i}-1`, i, { "kubernetes.io/service-name": `svc-${i}` }),
    spec: {
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080 }],
      endpoints: Array.from({ length: pods }, (_, pod) => ({
        addresses: [address(i, pod)],
        conditions: { ready: true },
        targetRef: { kind: "Pod", name: `svc-${i}-${pod}` },
      })),
    },
  };
}

function podOf(i: number, pod: number): MeshObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: metadata(`svc-${i}-${pod}`, i, { app: `svc-${i}`, version: `v${pod + 1}` }),
    spec: {
      serviceAccountName: `svc-${i}`,
      containers: [{ name: "app" }, { name: "istio-proxy" }],
      status: { podIP: address(i, pod), phase: "Running" },
    },
  };
}

function virtualService(i: number, seconds: number): MeshObject {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: metadata(`svc-${i}`, i),
    spec: {
      hosts: [`svc-${i}`],
      http: [{ route: [{ destination: { host: `svc-${i}` } }], timeout: `${seconds}s` }],
    },
  };
}

function destinationRule(i: number): MeshObject {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: metadata(`svc-${i}`, i),
    spec: { host: `svc-${i}`, subsets: [{ name: "v1", labels: { version: "v1" } }] },
  };
}

function sizes(view: {
  resources(type: "cluster" | "endpoint"): ReadonlyMap<string, unknown>;
}): string {
  return `${view.resources("cluster").size} clusters, ${view.resources("endpoint").size} load assignments`;
}

/** Resident memory after garbage collection, in bytes. */
function rss(): number {
  collect();
  collect();
  return process.memoryUsage().rss;
}

/** As `rss`, when the pages have been given back, too, that garbage stood on. */
function needs(): number {
  collect({ type: "major", execution: "sync", flavor: "last-resort" });
  return process.memoryUsage().rss;
}

/** Heap in use, in bytes: what is given back of it goes to the next view, and to the system when V8 sees fit. */
function heap(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

async function timed(work: () => Promise<void> | void): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Milliseconds that a timer had to wait at most: how long I/O would have been held up. */
function longestPause(): { stop(): number } {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1);
  return {
    stop() {
      clearInterval(timer);
      return Math.max(longest, performance.now() - last);
    },
  };
}

function print(what: string, value: string): void {
  console.log(`${what.padEnd(24)} ${value}`);
}

await main();
