/** The oracle's mesh: a real agent on a folder of files, a gateway, `front` and three versions of `reviews`, each behind an Envoy of its own. */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import { bootstrap } from "@heddle/translate";
import { ROOT } from "../harness/demo-process.ts";
import { type RunningEnvoy, startEnvoy } from "../harness/envoy-process.ts";
import { pod, service } from "../harness/objects.ts";
import { end, until } from "../harness/plane-process.ts";
import { ask } from "../harness/request.ts";
import { startApplications } from "./applications.ts";
import { documentsOf, EDGE_PORT, PORT, PROBE_HOST, type RulesState } from "./state.ts";

const PROXY_PORT = 15001;
const LISTENING_PORT = 8080;

export interface OracleMesh {
  readonly gateway: { readonly address: string; readonly port: number };
  /** Writes a state's objects, all at once. */
  write(state: RulesState): Promise<void>;
  /** The versions that the gateway and the Envoy of `front` route by. */
  versions(): Promise<readonly [edge: number, mesh: number]>;
  /** What the agent and the Envoys have logged. */
  logs(): string;
  stop(): Promise<void>;
}

interface Workload {
  readonly name: string;
  readonly type: "sidecar" | "router";
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** @param block the second number of its loopback addresses. */
export async function startOracleMesh(block: number, first: RulesState): Promise<OracleMesh> {
  const folder = await mkdtemp(path.join(tmpdir(), "heddle-oracle-"));
  const config = path.join(folder, "config");
  await mkdir(config);
  const at = (n: number) => `127.${block}.0.${n}`;
  const workloads: readonly Workload[] = [
    { name: "edge", type: "router", address: at(1), labels: { istio: "edge" } },
    { name: "front", type: "sidecar", address: at(2), labels: { app: "front", version: "v1" } },
    ...["v1", "v2", "v3"].map((version, index): Workload => ({
      name: `reviews-${version}`,
      type: "sidecar",
      address: at(3 + index),
      labels: { app: "reviews", version },
    })),
  ];
  const stops: (() => Promise<unknown> | void)[] = [
    () => rm(folder, { recursive: true, force: true }),
  ];
  const stop = async () => {
    for (const each of stops.splice(0).toReversed()) await each();
  };
  const write = async (name: string, documents: readonly object[]) => {
    const half = path.join(config, `.${name}.half`);
    await writeFile(half, documents.map((each) => JSON.stringify(each)).join("\n---\n"));
    await rename(half, path.join(config, name));
  };
  try {
    await write("world.yaml", worldOf(workloads));
    await write("rules.yaml", documentsOf(first));
    const agent = await startAgent(folder, config, at(9));
    stops.push(agent.stop);
    stops.push(
      await startApplications({
        front: applicationAddress(at(2)),
        proxy: { address: at(2), port: PROXY_PORT },
        reviews: {
          v1: applicationAddress(at(3)),
          v2: applicationAddress(at(4)),
          v3: applicationAddress(at(5)),
        },
      }),
    );
    const envoys: RunningEnvoy[] = [];
    for (const workload of workloads) {
      const envoy = await startEnvoy(bootstrapOf(workload, at(9)), 30_000);
      envoys.push(envoy);
      stops.push(() => envoy.stop());
    }
    const version = async (address: string, port: number, host: string) => {
      const { status, body } = await ask(address, port, host, "/");
      return status === 200 ? Number(body) : -1;
    };
    return {
      gateway: { address: at(1), port: LISTENING_PORT },
      write: (state) => write("rules.yaml", documentsOf(state)),
      versions: () =>
        Promise.all([
          version(at(1), LISTENING_PORT, PROBE_HOST),
          version(at(2), PROXY_PORT, `probe:${PORT}`),
        ]),
      logs: () => [agent.output(), ...envoys.map((envoy) => envoy.log())].join("\n"),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function worldOf(workloads: readonly Workload[]): readonly object[] {
  const addresses = (prefix: string) =>
    workloads.filter(({ name }) => name.startsWith(prefix)).map(({ address }) => address);
  const http = [{ name: "http", port: PORT }];
  return [
    ...workloads.map(({ name, address, labels }) =>
      pod({ name, address, labels, serviceAccount: name }),
    ),
    ...service(
      "edge",
      [{ name: "http", port: EDGE_PORT, targetPort: LISTENING_PORT }],
      addresses("edge"),
    ),
    ...service("front", http, addresses("front")),
    ...service("reviews", http, addresses("reviews")),
    // Only its rule answers.
    ...service("probe", http, []),
  ].map(documentOf);
}

/** As Kubernetes has it: a pod's status and a slice's endpoints stand beside its spec. */
function documentOf(object: { readonly kind: string; readonly spec: unknown }): object {
  const { spec, ...rest } = object;
  if (object.kind === "EndpointSlice") return { ...rest, ...(spec as object) };
  if (object.kind !== "Pod") return object;
  const { status, ...of } = spec as { status: unknown };
  return { ...rest, spec: of, status };
}

function bootstrapOf({ name, type, address, labels }: Workload, agent: string): Bootstrap {
  return bootstrap({
    node: {
      id: `${type}~${address}~${name}.default~default.svc.cluster.local`,
      cluster: `${name}.default`,
      metadata: {
        NAMESPACE: "default",
        LABELS: { ...labels },
        SERVICE_ACCOUNT: name,
        INSTANCE_IPS: address,
        INTERCEPTION_MODE: "NONE",
        ...(type === "sidecar"
          ? { HTTP_PROXY_PORT: String(PROXY_PORT), APP_ADDRESS: applicationAddress(address) }
          : {}),
      },
    },
    xds: { address: agent, port: 15010 },
    // Nobody listens: logs and spans are another test's concern.
    otlp: { address: agent, port: 4 },
    admin: { address, port: 15000 },
  }) as Bootstrap;
}

async function startAgent(folder: string, config: string, address: string) {
  const child = spawn(process.execPath, [
    path.join(ROOT, "apps/cli/src/main.ts"),
    ...["agent", "--standalone", "--config", config, "--state", path.join(folder, "state")],
    ...["--xds", `${address}:15010`, "--metrics", `${address}:15014`, "--roles", "control"],
  ]);
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await until(
    async () => {
      const ready = await fetch(`http://${address}:15014/readyz`).catch(() => undefined);
      return ready?.ok === true;
    },
    30_000,
    () => `the agent\n${output}`,
  );
  return { output: () => output, stop: () => end(child, "SIGTERM") };
}

function applicationAddress(address: string): string {
  const [a, b, c, d] = address.split(".");
  return [a, b, Number(c) + 1, d].join(".");
}
