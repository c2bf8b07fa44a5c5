/** The demo around a running plane: an agent, Bookinfo's applications, an Envoy beside each, and an ingress gateway. */
import { createClient } from "@heddle/client";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { BOOKINFO, makeDemoCluster, type DemoCluster } from "./demo-cluster.ts";
import {
  agentHost,
  demoAddresses,
  HTTP_PROXY_PORT,
  METRICS_PORT,
  OTLP_PORT,
  SIDE_PORTS,
  sideAddress,
  XDS_PORT,
} from "./demo-addresses.ts";
import { envoyProcess } from "./envoy-process.ts";
import { ensureMesh } from "./first-mesh.ts";
import { assertFree } from "./free-ports.ts";
import { localBootstrap } from "./local-bootstrap.ts";
import type { LocalPod } from "./pods.ts";
import type { ProcessGroup, ProcessSpec } from "./processes.ts";
import { waitForHttp } from "./wait.ts";

export interface DemoOptions {
  readonly dataDir: string;
  readonly gatewayPort: number;
  /** The demo keeps to 127.`block`.0.0/16 and 127.`block + 1`.0.0/16, but for its gateway. */
  readonly block: number;
  readonly plane: PlaneContext;
  /** Path of the Envoy binary. */
  readonly envoy: string;
  readonly group: ProcessGroup;
  /** Ends a start that is under way: it then rejects. */
  readonly signal?: AbortSignal;
}

export interface PlaneContext {
  readonly url: string;
  readonly token: string;
  readonly mesh: string;
}

export interface Demo {
  readonly cluster: DemoCluster;
  /** Where the cluster's objects lie as files; the agent watches it. */
  readonly clusterDir: string;
  readonly agent: ProcessSpec;
  /** The agent's metrics and debug address. */
  readonly agentUrl: string;
  readonly gatewayUrl: string;
}

/** A demo's trickle of requests would hardly ever hit the usual 1 %. */
export const DEMO_SETTINGS = { trustDomain: "cluster.local", traceSampling: 20 };
const READY_WITHIN_MS = 60_000;
/** What a first start puts into the mesh; later starts go on with what is there. */
const FIRST_RULES = ["rules/gateway.yaml", "rules/versions.yaml"];

/** Resolves when the gateway serves the bookshop. Everything started belongs to `group`. HDL9043 where a port is in use. */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const { dataDir, block, plane, group } = options;
  const clusterDir = path.join(dataDir, "cluster");
  const cluster = await makeDemoCluster(clusterDir, options);
  await assertFree(demoAddresses(cluster, options));
  const { first } = await ensureMesh({ ...plane, ...DEMO_SETTINGS });
  const client = createClient({ baseUrl: plane.url, token: plane.token });
  if (first) {
    const files = await Promise.all(
      FIRST_RULES.map(async (name) => ({
        name,
        content: await readFile(path.join(BOOKINFO, name), "utf8"),
      })),
    );
    await client.apply(plane.mesh, { files, message: "Bookinfo: gateway and versions" });
  }
  const { token: joinToken } = await client.createJoinToken(plane.mesh, { name: "local" });
  const host = agentHost(block);
  const agent = agentProcess({ host, clusterDir, dataDir, plane, joinToken });
  await group.start(agent);
  for (const pod of cluster.pods) await group.start(applicationProcess(pod));
  for (const pod of [...cluster.pods, cluster.gateway]) {
    const bootstrap = localBootstrap(pod, {
      type: pod === cluster.gateway ? "router" : "sidecar",
      sidePorts: sideAddress(pod, cluster, block),
      xds: { address: host, port: XDS_PORT },
      otlp: { address: host, port: OTLP_PORT },
    });
    await group.start(envoyProcess(options.envoy, pod.name, bootstrap));
  }
  // Before all of them are ready the first requests would fail, and stand in the console as the demo's first errors.
  await Promise.all(
    [...cluster.pods, cluster.gateway].map((pod) =>
      waitForHttp(`http://${sideAddress(pod, cluster, block)}:${SIDE_PORTS.health}/healthz/ready`, {
        withinMs: READY_WITHIN_MS,
        signal: options.signal,
      }),
    ),
  );
  const gatewayUrl = `http://127.0.0.1:${options.gatewayPort}`;
  await waitForHttp(`${gatewayUrl}/productpage`, {
    withinMs: READY_WITHIN_MS,
    signal: options.signal,
  });
  return { cluster, clusterDir, agent, agentUrl: `http://${host}:${METRICS_PORT}`, gatewayUrl };
}

interface AgentPlace {
  readonly host: string;
  readonly clusterDir: string;
  readonly dataDir: string;
  readonly plane: PlaneContext;
  readonly joinToken: string;
}

function agentProcess({ host, clusterDir, dataDir, plane, joinToken }: AgentPlace): ProcessSpec {
  return {
    name: "agent",
    command: process.execPath,
    args: [
      "--disable-warning=ExperimentalWarning",
      path.resolve(import.meta.dirname, "../main.ts"),
      "agent",
      ...["--plane", plane.url, "--mesh", plane.mesh, "--name", "local"],
      ...["--config", clusterDir, "--state", path.join(dataDir, "agent")],
      ...["--xds", `${host}:${XDS_PORT}`, "--metrics", `${host}:${METRICS_PORT}`],
      ...["--otlp", `${host}:${OTLP_PORT}`, "--scrape-interval", "2"],
      ...["--cluster-id", "local"],
    ],
    env: { HEDDLE_TOKEN: joinToken },
  };
}

/** A pod's container on this machine; it calls out through its sidecar as an HTTP proxy. */
export function applicationProcess(pod: LocalPod): ProcessSpec {
  const [program = "node", ...args] = pod.command;
  return {
    name: pod.name,
    command: program === "node" ? process.execPath : program,
    args: args.map((arg) => (arg.endsWith(".ts") ? path.join(BOOKINFO, arg) : arg)),
    env: {
      ...pod.env,
      ADDRESS: pod.appAddress,
      PORT: String(pod.ports[0] ?? 9080),
      HTTP_PROXY: `http://${pod.address}:${HTTP_PROXY_PORT}`,
    },
  };
}
