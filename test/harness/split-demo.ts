/** A demo whose plane is a process of its own, so that a test can kill it and bring it back. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { applicationProcess, type Demo, startDemo } from "../../apps/cli/src/local/demo.ts";
import { envoyProcess } from "../../apps/cli/src/local/envoy-process.ts";
import { localBootstrap } from "../../apps/cli/src/local/local-bootstrap.ts";
import {
  type DeploymentDocument,
  type LocalPod,
  podDocument,
  podsOf,
  type ServiceDocument,
  sliceDocument,
} from "../../apps/cli/src/local/pods.ts";
import {
  createProcessGroup,
  type ProcessGroup,
  type ProcessSpec,
} from "../../apps/cli/src/local/processes.ts";
import { waitForHttp } from "../../apps/cli/src/local/wait.ts";
import { type CommandResult, heddle, ROOT } from "./demo-process.ts";

export interface SplitDemo {
  readonly demo: Demo;
  readonly group: ProcessGroup;
  readonly url: string;
  readonly token: string;
  startPlane(): Promise<void>;
  /** SIGKILL, as a crash would have it. */
  killPlane(): Promise<void>;
  restartAgent(): Promise<void>;
  /** Starts one more pod of reviews v3, application and Envoy, but tells the mesh of it only by `announce`. */
  addReviewsPod(): Promise<{ pod: LocalPod; announce: () => Promise<void> }>;
  heddle(args: readonly string[]): Promise<CommandResult>;
  close(): Promise<void>;
}

export interface SplitDemoOptions {
  readonly port: number;
  readonly gatewayPort: number;
  readonly block: number;
  /** Environment of plane and agent. */
  readonly env?: Record<string, string>;
}

export async function startSplitDemo(options: SplitDemoOptions): Promise<SplitDemo> {
  const dataDir = await mkdtemp(path.join(tmpdir(), "heddle-split-"));
  const envoy = process.env["HEDDLE_ENVOY"];
  if (!envoy) throw new Error("HEDDLE_ENVOY is not set");
  Object.assign(process.env, options.env);
  const group = await createProcessGroup(path.join(dataDir, "logs"), () => {});
  const url = `http://127.0.0.1:${options.port}`;
  const planeSpec: ProcessSpec = {
    name: "plane",
    command: process.execPath,
    args: [
      path.join(ROOT, "apps/cli/src/main.ts"),
      ...["server", "--port", String(options.port), "--data", dataDir],
    ],
  };
  const startPlane = async () => {
    await group.start(planeSpec);
    await waitForHttp(`${url}/healthz`, { withinMs: 60_000 });
  };
  try {
    await startPlane();
    const token = (await readFile(path.join(dataDir, "plane/admin-token"), "utf8")).trim();
    const plane = { url, token, mesh: "demo" };
    const demo = await startDemo({ ...options, dataDir, plane, envoy, group });
    return {
      demo,
      group,
      url,
      token,
      startPlane,
      async killPlane() {
        const pid = group.pid("plane");
        if (pid) process.kill(pid, "SIGKILL");
        await group.stop("plane");
      },
      restartAgent: () => group.start(demo.agent),
      addReviewsPod: () => addReviewsPod(demo, group, envoy, options.block),
      heddle: (args) => heddle([...args, "--url", url, "--token", token, "--mesh", "demo"]),
      async close() {
        await group.close();
        await rm(dataDir, { recursive: true, force: true });
      },
    };
  } catch (error) {
    const logs = await Promise.all(
      ["plane", "agent"].map((name) => readFile(group.logFile(name), "utf8").catch(() => "")),
    );
    await group.close();
    throw new Error(
      `${(error as Error).message}\n${logs.map((log) => log.slice(-3_000)).join("\n")}`,
      { cause: error },
    );
  }
}

async function addReviewsPod(
  demo: Demo,
  group: ProcessGroup,
  envoy: string,
  block: number,
): Promise<{ pod: LocalPod; announce: () => Promise<void> }> {
  const deployment: DeploymentDocument = {
    metadata: { name: "reviews-v3-extra", namespace: "default" },
    spec: {
      template: {
        metadata: { labels: { app: "reviews", version: "v3" } },
        spec: {
          serviceAccountName: "bookinfo-reviews",
          containers: [
            {
              name: "reviews",
              command: ["node", "src/reviews.ts"],
              env: [{ name: "SERVICE_VERSION", value: "v3" }],
              ports: [{ containerPort: 9080 }],
            },
          ],
        },
      },
    },
  };
  const [pod] = podsOf(deployment, { base: block, next: 99 });
  if (!pod) throw new Error("a Deployment of one replica has one pod");
  await writeFile(path.join(demo.clusterDir, "extra-pod.yaml"), stringify(podDocument(pod)));
  await group.start(applicationProcess(pod));
  const bootstrap = localBootstrap(pod, {
    type: "sidecar",
    sidePorts: pod.address,
    xds: { address: `127.${block}.0.1`, port: 15010 },
    otlp: { address: `127.${block}.0.1`, port: 4317 },
  });
  await group.start(envoyProcess(envoy, pod.name, bootstrap));
  await waitForHttp(`http://${pod.address}:15021/healthz/ready`, { withinMs: 30_000 });
  const service: ServiceDocument = {
    metadata: { name: "reviews", namespace: "default" },
    spec: { selector: { app: "reviews" }, ports: [{ name: "http", port: 9080 }] },
  };
  const slice = sliceDocument(service, [pod]) as { metadata: { name: string } };
  slice.metadata.name = "reviews-extra";
  return {
    pod,
    announce: () => writeFile(path.join(demo.clusterDir, "extra-slice.yaml"), stringify(slice)),
  };
}
