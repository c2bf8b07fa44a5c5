/** The oracle's mesh: a real agent on a folder of files, a gateway, `front` and three versions of `reviews`, each behind an Envoy of its own. */
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type RunningEnvoy, startEnvoy } from "../harness/envoy-process.ts";
import {
  applicationAddress,
  documentOf,
  PROXY_PORT,
  startFileAgent,
  type Workload,
  workloadBootstrap,
} from "../harness/file-agent.ts";
import { pod, service } from "../harness/objects.ts";
import { ask } from "../harness/request.ts";
import { type Arrived, startApplications } from "./applications.ts";
import { documentsOf, EDGE_PORT, PORT, PROBE_HOST, type RulesState } from "./state.ts";

const LISTENING_PORT = 8080;

export interface OracleMesh {
  readonly gateway: { readonly address: string; readonly port: number };
  /** Writes a state's objects, all at once. */
  write(state: RulesState): Promise<void>;
  /** The versions that the gateway and the Envoy of `front` route by. */
  versions(): Promise<readonly [edge: number, mesh: number]>;
  /** Requests that applications have seen. */
  arrived(): Promise<Arrived>;
  /** What the agent and the Envoys have logged. */
  logs(): string;
  stop(): Promise<void>;
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
    const agent = await startFileAgent(folder, config, at(9));
    stops.push(agent.stop);
    const applications = await startApplications({
      front: applicationAddress(at(2)),
      proxy: { address: at(2), port: PROXY_PORT },
      reviews: {
        v1: applicationAddress(at(3)),
        v2: applicationAddress(at(4)),
        v3: applicationAddress(at(5)),
      },
    });
    stops.push(() => applications.stop());
    const envoys: RunningEnvoy[] = [];
    for (const workload of workloads) {
      const envoy = await startEnvoy(workloadBootstrap(workload, at(9)), 30_000);
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
      arrived: () => applications.arrived(),
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
