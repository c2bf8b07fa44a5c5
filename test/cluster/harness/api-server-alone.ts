/** An API server without nodes, for what only reads and writes objects: in a few seconds, and without root. */
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { freePorts } from "../../../agent/src/testing/free-ports.ts";
import { buildKubernetes, type Say } from "./components.ts";
import {
  apiServer,
  apiServerReady,
  type ControlPlane,
  etcd,
  kubeconfigOf,
} from "./control-plane.ts";
import { writeCredentials } from "./credentials.ts";
import { type Kubectl, kubectlOf } from "./kubectl.ts";
import { networkOf } from "./network.ts";
import { ensurePackages } from "./packages.ts";
import { startRecorded, killRecorded } from "./recorded.ts";
import { nobodyListens } from "./wait.ts";

const LOOPBACK = "127.0.0.1";

export interface ApiServerAlone {
  /** Of an administrator. */
  readonly kubeconfig: string;
  readonly url: string;
  readonly kubectl: Kubectl;
  /** Seconds from the first process to the first answer. */
  readonly startSeconds: number;
  /** SIGKILL, as a crash would have it: connections break and nothing listens. */
  killApiServer(): Promise<void>;
  /** After that; resolves when it answers again, at the same address and with the same objects. */
  startApiServer(): Promise<void>;
  /** Ends it and removes all that it made. */
  down(): Promise<void>;
}

/**
 * etcd and the API server, on free ports of loopback; `state` is a folder for them. No controller runs: nothing makes
 * service accounts, pods or endpoints by itself. Where it fails, nothing goes on running, and the logs stay.
 */
export async function startApiServerAlone(
  state: string,
  say: Say = () => {},
): Promise<ApiServerAlone> {
  await ensurePackages("control plane", say);
  const binaries = await buildKubernetes(say);
  const start = performance.now();
  const [port = 0, client = 0, peer = 0] = await freePorts(3);
  const { services } = networkOf(0);
  const plane: ControlPlane = {
    state,
    binaries,
    api: { bind: LOOPBACK, port },
    etcd: { client, peer },
    services,
  };
  const url = `https://${LOOPBACK}:${port}`;
  const end = async () => {
    for (const name of ["apiserver", "etcd"]) await killRecorded(state, name);
  };
  const startApiServer = () => {
    startRecorded(state, apiServer(plane));
    return apiServerReady(state);
  };
  await mkdir(state, { recursive: true, mode: 0o700 });
  try {
    startRecorded(state, etcd(plane));
    await writeCredentials(path.join(state, "credentials"), url, {
      apiServer: [LOOPBACK, "localhost"],
    });
    await startApiServer();
  } catch (error) {
    await end();
    throw error;
  }
  return {
    kubeconfig: kubeconfigOf(state),
    url,
    kubectl: kubectlOf(state, binaries),
    startSeconds: (performance.now() - start) / 1000,
    async killApiServer() {
      await killRecorded(state, "apiserver");
      await nobodyListens(LOOPBACK, port);
    },
    startApiServer,
    async down() {
      await end();
      await rm(state, { recursive: true, force: true });
    },
  };
}
