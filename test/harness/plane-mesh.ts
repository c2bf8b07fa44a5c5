/** A plane, an agent that joined it, and workloads of a cluster of files, each with an Envoy of its own: what a whole mesh does, as large as a test wants it. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import {
  HTTP_PROXY_PORT,
  METRICS_PORT,
  OTLP_PORT,
  XDS_PORT,
} from "../../apps/cli/src/local/demo-addresses.ts";
import { localBootstrap } from "../../apps/cli/src/local/local-bootstrap.ts";
import { type LocalPod, podDocument, sliceDocument } from "../../apps/cli/src/local/pods.ts";
import { startApplication } from "./application.ts";
import { ROOT } from "./demo-process.ts";
import { type RunningEnvoy, startEnvoy } from "./envoy-process.ts";
import { end, type PlaneProcess, startPlaneProcess, until } from "./plane-process.ts";
import { type Answer, ask, type Asking } from "./request.ts";

/** Every workload serves at this port of its Service, by its sidecar where it has one. */
export const SERVICE_PORT = 9080;

export interface MeshWorkload {
  readonly name: string;
  readonly namespace: string;
  /** Without one its application listens on its own address, in the clear. */
  readonly sidecar: boolean;
  /** Its service account; called as it is itself without one. */
  readonly account?: string;
  /** Its Service is of connections, of which nobody reads what they carry. */
  readonly tcp?: boolean;
}

export interface PlaneMesh {
  /** The one that runs, or ran last. */
  readonly plane: PlaneProcess;
  /** Where the agent tells of itself. */
  readonly agent: { readonly url: string; output(): string };
  /** Starts a plane that was killed again, on the same data. */
  startPlane(): Promise<void>;
  /** Ends the agent and starts it again, on the same state. */
  restartAgent(): Promise<void>;
  pod(workload: string): LocalPod;
  /** A request of a workload to another, by its sidecar, or from its own address straight to the other where it has none. */
  get(from: string, to: string, path?: string, asking?: Asking): Promise<Answer>;
  /** So many requests a second over all pairs of a caller and whom it calls; each pair waits for its answers. */
  startCalls(pairs: readonly (readonly [from: string, to: string])[], rate: number): Calls;
  /** Starts an Envoy beside a workload that had none; its application serves behind it from then on. */
  join(workload: string): Promise<void>;
  stop(): Promise<void>;
}

export interface Calls {
  /** Ends them: how many there were, and of each that was not answered with 200 what was. */
  stop(): Promise<{ readonly sent: number; readonly failures: readonly string[] }>;
}

export interface PlaneMeshOptions {
  readonly port: number;
  /** Loopback block; with the next one of applications. */
  readonly block: number;
  readonly workloads: readonly MeshWorkload[];
  /** Of the agent. */
  readonly env?: Readonly<Record<string, string>>;
}

const READY_WITHIN_MS = 120_000;

/** Resolves when every sidecar holds what it needs. */
export async function startPlaneMesh(options: PlaneMeshOptions): Promise<PlaneMesh> {
  const folder = await mkdtemp(path.join(tmpdir(), "heddle-plane-mesh-"));
  const stops: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const each of stops.splice(0).toReversed()) await each();
  };
  try {
    const startPlane = () => startPlaneProcess(options.port, path.join(folder, "plane"));
    let plane = await startPlane();
    stops.push(() => plane.stop());
    await plane.client.createMesh({ name: "demo", trustDomain: "cluster.local" });
    const running = new Map(
      options.workloads.map((each, index) => [each.name, { ...each, pod: podOf(each, index) }]),
    );
    const config = path.join(folder, "config");
    const host = `127.${options.block}.0.1`;
    const write = () => writeCluster(config, [...running.values()]);
    await write();
    const { token } = await plane.client.createJoinToken("demo", { name: "agent" });
    const place = { plane: plane.url, token, config, folder, host, env: options.env ?? {} };
    let agent = await startAgent(place);
    stops.push(() => agent.stop());
    const applications = new Map<string, { stop(): Promise<void> }>();
    const serve = async (name: string) => {
      const { pod, sidecar } = found(name);
      await applications.get(name)?.stop();
      const address = sidecar ? pod.appAddress : pod.address;
      applications.set(name, await startApplication(name, address, SERVICE_PORT));
    };
    stops.push(() => Promise.all([...applications.values()].map((each) => each.stop())));
    const envoys: RunningEnvoy[] = [];
    stops.push(() => Promise.all(envoys.map((each) => each.stop())));
    const beside = async (name: string) =>
      void envoys.push(await startEnvoy(bootstrapOf(found(name).pod, host)));
    const inStep = () =>
      until(
        async () => (await proxiesInStep(host)) === envoys.length,
        READY_WITHIN_MS,
        () => `every proxy in step\n${agent.output().slice(-3000)}`,
      );
    // One after the other: each takes a core while it starts.
    for (const { name, sidecar } of running.values()) {
      await serve(name);
      if (sidecar) await beside(name);
    }
    await inStep();

    function podOf({ name, namespace, account = name }: MeshWorkload, index: number): LocalPod {
      return {
        ...{ name: `${name}-0`, namespace, workload: name, labels: { app: name } },
        ...{ serviceAccount: account, ports: [SERVICE_PORT], command: [], env: {} },
        address: `127.${options.block}.0.${index + 11}`,
        appAddress: `127.${options.block + 1}.0.${index + 11}`,
      };
    }
    function found(name: string) {
      const workload = running.get(name);
      if (!workload) throw new Error(`there is no workload ${name}`);
      return workload;
    }
    const get: PlaneMesh["get"] = (from, to, at = "/", asking = {}) => {
      const [source, target] = [found(from), found(to)];
      const authority = `${to}.${target.namespace}:${SERVICE_PORT}`;
      return source.sidecar
        ? ask(source.pod.address, HTTP_PROXY_PORT, authority, at, asking)
        : ask(target.pod.address, SERVICE_PORT, authority, at, {
            localAddress: source.pod.address,
            ...asking,
          });
    };
    return {
      get plane() {
        return plane;
      },
      agent: { url: `http://${host}:${METRICS_PORT}`, output: () => agent.output() },
      async startPlane() {
        plane = await startPlane();
      },
      async restartAgent() {
        await agent.stop();
        agent = await startAgent(place);
      },
      pod: (name) => found(name).pod,
      get,
      startCalls(pairs, rate) {
        const everyMs = (1000 * pairs.length) / rate;
        const failures: string[] = [];
        let [sent, going] = [0, true];
        const lanes = pairs.map(async ([from, to], index) => {
          await sleep((index * everyMs) / pairs.length);
          while (going) {
            sent++;
            const answer = await get(from, to).then(
              ({ status }) => status,
              (error: Error) => error.message,
            );
            if (answer !== 200) failures.push(`${from} → ${to}: ${answer}`);
            await sleep(everyMs);
          }
        });
        return {
          async stop() {
            going = false;
            await Promise.all(lanes);
            return { sent, failures };
          },
        };
      },
      async join(name) {
        running.set(name, { ...found(name), sidecar: true });
        await serve(name);
        await write();
        await beside(name);
        await inStep();
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Running = MeshWorkload & { readonly pod: LocalPod };

/** As Kubernetes would have it; the label of a pod says whether it takes mutual TLS. */
async function writeCluster(folder: string, workloads: readonly Running[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const documents = workloads.flatMap(({ name, namespace, sidecar, pod, tcp = false }) => {
    const service = {
      ...{ apiVersion: "v1", kind: "Service", metadata: { name, namespace } },
      spec: {
        selector: { app: name },
        ports: [{ name: tcp ? "tcp" : "http", port: SERVICE_PORT }],
      },
    };
    const whole = podDocument(pod) as { metadata: { labels: object } };
    const { labels, ...metadata } = whole.metadata;
    const document = {
      ...whole,
      metadata: { ...metadata, labels: sidecar ? labels : pod.labels },
    };
    return [service, document, sliceDocument(service, [pod])];
  });
  const text = documents.map((each) => JSON.stringify(each)).join("\n---\n");
  await writeFile(path.join(folder, "cluster.yaml"), text);
}

async function startAgent({
  plane,
  token,
  config,
  folder,
  host,
  env,
}: {
  readonly plane: string;
  readonly token: string;
  readonly config: string;
  readonly folder: string;
  readonly host: string;
  readonly env: Readonly<Record<string, string>>;
}): Promise<{ output(): string; stop(): Promise<void> }> {
  const child = spawn(
    process.execPath,
    [
      path.join(ROOT, "apps/cli/src/main.ts"),
      ...["agent", "--plane", plane, "--mesh", "demo", "--name", "agent"],
      ...["--config", config, "--state", path.join(folder, "agent"), "--cluster-id", "local"],
      ...["--xds", `${host}:${XDS_PORT}`, "--metrics", `${host}:${METRICS_PORT}`],
      ...["--otlp", `${host}:${OTLP_PORT}`, "--scrape-interval", "2"],
    ],
    { env: { ...process.env, ...env, HEDDLE_TOKEN: token } },
  );
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await until(
    async () =>
      (await fetch(`http://${host}:${METRICS_PORT}/readyz`).catch(() => undefined))?.ok === true,
    READY_WITHIN_MS,
    () => `the agent\n${output}`,
  );
  return { output: () => output, stop: () => end(child, "SIGTERM") };
}

function bootstrapOf(pod: LocalPod, host: string): Bootstrap {
  return localBootstrap(pod, {
    ...{ type: "sidecar", sidePorts: pod.address },
    ...{ xds: { address: host, port: XDS_PORT }, otlp: { address: host, port: OTLP_PORT } },
  }) as Bootstrap;
}

async function proxiesInStep(host: string): Promise<number> {
  const response = await fetch(`http://${host}:${METRICS_PORT}/debug/proxies`);
  const { items } = (await response.json()) as { items: readonly { inStep: boolean }[] };
  return items.filter(({ inStep }) => inStep).length;
}
