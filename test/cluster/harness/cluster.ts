/** A real Kubernetes cluster of one node on this machine: started, looked at and ended, by this process or another. */
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { CliError } from "../../../apps/cli/src/output/cli-error.ts";
import { loadBalancer } from "./load-balancer.ts";
import { buildComponents, type Say } from "./components.ts";
import {
  apiServer,
  apiServerReady,
  type ControlPlane,
  controllers,
  etcd,
  kubeconfigOf,
  scheduler,
} from "./control-plane.ts";
import { writeCredentials } from "./credentials.ts";
import { dnsObjects, dnsReady } from "./dns.ts";
import { importCoreDns, importPause } from "./images.ts";
import { type Kubectl, kubectlOf } from "./kubectl.ts";
import { defaultNumber, MAX_NUMBER, type Network, networkOf } from "./network.ts";
import {
  containerd,
  containerdReady,
  defaultAccountReady,
  kubelet,
  kubeProxy,
  NODE_NAME,
  nodeReady,
} from "./node.ts";
import { ensurePackages } from "./packages.ts";
import { recorded, killRecorded, startRecorded } from "./recorded.ts";
import { nobodyListens } from "./wait.ts";
import { closeRoom, isLinked, openRoom, startInRoom } from "./room.ts";

export interface ClusterOptions {
  /** A folder that does not exist yet: logs, credentials, images and all that the cluster writes. */
  readonly state: string;
  /** 0 to 7, `defaultNumber()` where there is none: clusters that run at once need different ones. */
  readonly number?: number;
  readonly say?: Say;
}

export interface Cluster {
  readonly state: string;
  /** Of an administrator. */
  readonly kubeconfig: string;
  readonly network: Network;
  readonly kubectl: Kubectl;
  /** The folder of Kubernetes' programs. */
  readonly binaries: string;
  /** Seconds from the first process to the last part that is ready. */
  readonly startSeconds: number;
  /** Kills the API server and starts it again; resolves when it is ready. */
  restartApiServer(): Promise<void>;
  /** Ends it and removes all that it made. */
  down(): Promise<void>;
}

const API_PORT = 6443;
/** Resolves when pods can run and find Services by name. Where it fails, nothing goes on running, and the logs stay. */
export async function startCluster({
  state,
  number = defaultNumber(),
  say = () => {},
}: ClusterOptions): Promise<Cluster> {
  const network = checked(state, number);
  await ensurePackages("cluster", say);
  const components = await buildComponents(say);
  const start = performance.now();
  const binaries = components.kubernetes;
  const plane: ControlPlane = {
    state,
    binaries,
    api: { bind: "0.0.0.0", advertise: network.node, port: API_PORT },
    etcd: { client: 2379, peer: 2380 },
    services: network.services,
  };
  const kubectl = kubectlOf(state, binaries);
  await mkdir(state, { recursive: true, mode: 0o700 });
  await writeFile(path.join(state, "cluster.json"), JSON.stringify({ number }));
  try {
    const node = { state, binaries, network };
    await openRoom(state, network);
    startInRoom(state, etcd(plane));
    startInRoom(state, await containerd(node));
    await writeCredentials(path.join(state, "credentials"), `https://${network.node}:${API_PORT}`, {
      apiServer: [network.node, network.apiService, "127.0.0.1", "localhost"],
      node: { name: NODE_NAME, address: network.node },
    });
    startInRoom(state, apiServer(plane));
    await containerdReady(state);
    await importPause(state, components);
    await importCoreDns(state, components);
    await apiServerReady(state);
    for (const program of [controllers(plane), scheduler(plane)]) startInRoom(state, program);
    for (const program of [await kubelet(node), await kubeProxy(node)]) startInRoom(state, program);
    startRecorded(state, loadBalancer(state, network));
    await kubectl.apply(...dnsObjects(network));
    await nodeReady(state);
    await defaultAccountReady(state);
    await dnsReady(state);
  } catch (error) {
    await endAll(state, network).catch((ending: unknown) =>
      say(`not all of it could be ended: ${String(ending)}`),
    );
    throw error;
  }
  const startSeconds = (performance.now() - start) / 1000;
  return {
    state,
    kubeconfig: kubeconfigOf(state),
    network,
    kubectl,
    binaries,
    startSeconds,
    async restartApiServer() {
      const program = apiServer(plane);
      await killRecorded(state, program.name);
      await nobodyListens(network.node, API_PORT);
      startInRoom(state, program);
      await apiServerReady(state);
    },
    down: () => stopCluster(state, number),
  };
}

/** Ends the cluster of that state, also one that was killed in part, and removes all that it made. */
export async function stopCluster(state: string, number: number): Promise<void> {
  await endAll(state, networkOf(number));
  await rm(state, { recursive: true, force: true });
}

async function endAll(state: string, network: Network): Promise<void> {
  await closeRoom(state, network.link);
  for (const { name } of recorded(state)) await killRecorded(state, name);
}

function checked(state: string, number: number): Network {
  if (!Number.isInteger(number) || number < 0 || number > MAX_NUMBER)
    throw new CliError(
      "HDL9070",
      `A cluster's number is 0 to ${MAX_NUMBER}, not ${number}.`,
      "Choose one of these.",
      2,
    );
  const network = networkOf(number);
  if (existsSync(path.join(state, "pids")))
    throw new CliError(
      "HDL9073",
      `There is a test cluster in ${state}.`,
      "End it with `./heddle --run cluster down`, or choose another folder with --state.",
    );
  if (isLinked(network.link))
    throw new CliError(
      "HDL9073",
      `A test cluster of number ${number} runs from another folder: the interface ${network.link} is there.`,
      "Choose another with --number.",
    );
  return network;
}
