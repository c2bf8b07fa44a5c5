/** Starts all that `heddle up` promises, in the order that things need each other, and says where to look. */
import { startPlane } from "@heddle/api/node";
import { createClient } from "@heddle/client";
import { readFile } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { saveContext } from "../context/context.ts";
import { resolveEnvoy } from "../envoy/resolve.ts";
import { CliError } from "../output/cli-error.ts";
import { ensureConsole } from "./console-build.ts";
import { BOOKINFO, makeDemoCluster } from "./demo-cluster.ts";
import { envoyProcess } from "./envoy-process.ts";
import { localBootstrap } from "./local-bootstrap.ts";
import { createProcessGroup, type ProcessGroup } from "./processes.ts";
import { startTraffic } from "./traffic.ts";
import { waitForHttp } from "./wait.ts";

export interface UpOptions {
  readonly port: number;
  readonly gatewayPort: number;
  readonly dataDir: string;
  readonly demo: boolean;
  /** Requests per second of the demo's traffic. */
  readonly rate: number;
  /** The demo keeps to 127.`block`.0.0/16 and 127.`block + 1`.0.0/16, but for its gateway. */
  readonly block: number;
  readonly say: (line: string) => void;
}

export interface RunningUp {
  close(): Promise<void>;
}

const DEMO_MESH = "demo";
const XDS_PORT = 15010;
const METRICS_PORT = 15014;
const OTLP_PORT = 4317;
const READY_WITHIN_MS = 60_000;
/** What a first start puts into the mesh; later starts go on with what is there. */
const FIRST_RULES = ["rules/gateway.yaml", "rules/versions.yaml"];

export async function startUp(options: UpOptions): Promise<RunningUp> {
  const { say, dataDir, port, demo } = options;
  const closing: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const step of closing.splice(0).toReversed()) await step();
  };
  try {
    const envoyFound = demo ? resolveEnvoy((line) => say(`${line} …`)) : undefined;
    // It is awaited below; a rejection until then must not count as unhandled.
    envoyFound?.catch(() => {});
    if (demo) await assertFree("127.0.0.1", options.gatewayPort, "--gateway-port");
    const consoleDir = await ensureConsole(say);
    const plane = await startPlane({
      port,
      dataDir: path.join(dataDir, "plane"),
      ...(consoleDir ? { consoleDir } : {}),
      ...(process.env["DATABASE_URL"] ? { databaseUrl: process.env["DATABASE_URL"] } : {}),
    });
    closing.push(() => plane.close());
    const context = {
      url: plane.url,
      token: plane.adminToken,
      mesh: DEMO_MESH,
      namespace: "default",
    };
    if (demo && envoyFound) {
      const group = await createProcessGroup(path.join(dataDir, "logs"), (name, reason) =>
        say(`${name}: ${reason}`),
      );
      closing.push(() => group.close());
      await startDemo(options, group, context, (await envoyFound).path);
      if (options.rate > 0) {
        const traffic = startTraffic({
          url: `${gatewayUrl(options)}/productpage`,
          rate: options.rate,
        });
        closing.push(() => traffic.close());
      }
      await saveContext("demo", {
        ...context,
        agent: `http://${agentAddress(options.block)}:${METRICS_PORT}`,
      });
    } else {
      await ensureMesh(context);
      await saveContext("local", context);
    }
    announce(options, plane.url, plane.adminToken);
    return { close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface PlaneContext {
  readonly url: string;
  readonly token: string;
  readonly mesh: string;
}

async function ensureMesh({ url, token, mesh }: PlaneContext): Promise<{ first: boolean }> {
  const client = createClient({ baseUrl: url, token });
  const meshes = await client.listMeshes();
  if (meshes.items.some((m) => m.name === mesh)) return { first: false };
  await client.createMesh({ name: mesh, trustDomain: "cluster.local" });
  return { first: true };
}

async function startDemo(
  options: UpOptions,
  group: ProcessGroup,
  context: PlaneContext,
  envoy: string,
): Promise<void> {
  const { say, dataDir } = options;
  const clusterDir = path.join(dataDir, "cluster");
  const cluster = await makeDemoCluster(clusterDir, options);
  const { first } = await ensureMesh(context);
  const client = createClient({ baseUrl: context.url, token: context.token });
  if (first) {
    const files = await Promise.all(
      FIRST_RULES.map(async (name) => ({
        name,
        content: await readFile(path.join(BOOKINFO, name), "utf8"),
      })),
    );
    await client.apply(context.mesh, { files, message: "Bookinfo: gateway and versions" });
  }
  const host = agentAddress(options.block);
  const { token: joinToken } = await client.createJoinToken(context.mesh, { name: "local" });
  await group.start({
    name: "agent",
    command: process.execPath,
    args: [
      "--disable-warning=ExperimentalWarning",
      path.resolve(import.meta.dirname, "../main.ts"),
      "agent",
      ...["--plane", context.url, "--mesh", context.mesh, "--name", "local"],
      ...["--config", clusterDir, "--state", path.join(dataDir, "agent")],
      ...["--xds", `${host}:${XDS_PORT}`, "--metrics", `${host}:${METRICS_PORT}`],
      ...["--otlp", `${host}:${OTLP_PORT}`, "--scrape-interval", "2"],
    ],
    env: { HEDDLE_TOKEN: joinToken },
  });
  for (const pod of cluster.pods) {
    const [node = "node", ...args] = pod.command;
    await group.start({
      name: pod.name,
      command: node === "node" ? process.execPath : node,
      args: args.map((arg) => (arg.endsWith(".ts") ? path.join(BOOKINFO, arg) : arg)),
      env: {
        ...pod.env,
        ADDRESS: pod.appAddress,
        PORT: String(pod.ports[0] ?? 9080),
        HTTP_PROXY: `http://${pod.address}:15001`,
      },
    });
  }
  for (const pod of [...cluster.pods, cluster.gateway]) {
    const bootstrap = localBootstrap(pod, {
      type: pod === cluster.gateway ? "router" : "sidecar",
      sidePorts: pod === cluster.gateway ? gatewaySideAddress(options.block) : pod.address,
      xds: { address: host, port: XDS_PORT },
      otlp: { address: host, port: OTLP_PORT },
    });
    await group.start(envoyProcess(envoy, pod.name, bootstrap));
  }
  say(
    `started Bookinfo: ${cluster.pods.length} applications and ${cluster.pods.length + 1} Envoys, logs in ${path.join(dataDir, "logs")}`,
  );
  await waitForHttp(`${gatewayUrl(options)}/productpage`, READY_WITHIN_MS);
}

const agentAddress = (block: number) => `127.${block}.0.1`;
/** The gateway shares 127.0.0.1 with everything else, so that its admin and statistics listen elsewhere. */
const gatewaySideAddress = (block: number) => `127.${block}.0.2`;

const gatewayUrl = (options: UpOptions) => `http://127.0.0.1:${options.gatewayPort}`;

function announce(options: UpOptions, url: string, token: string): void {
  const { say, demo } = options;
  say("");
  say(`console   ${url}/#token=${token}`);
  say(`API       ${url}/v1/openapi.json`);
  if (demo) {
    say(`bookshop  ${gatewayUrl(options)}/productpage`);
    say("");
    say("try       ./heddle apply -f examples/bookinfo/rules/reviews-v3.yaml");
    say("          ./heddle get vs; ./heddle history; ./heddle proxy-status");
  }
  say("stop      Ctrl-C ends everything; the next start goes on from its data");
  say("");
  say("ready");
}

/** Fails with HDL9043 where somebody else listens. */
async function assertFree(host: string, port: number, flag: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = net.createServer();
    probe.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        new CliError(
          "HDL9043",
          error.code === "EADDRINUSE"
            ? `Port ${port} on ${host} is in use.`
            : `Cannot listen on ${host}:${port}: ${error.message}`,
          `End the program that holds it, or choose another with ${flag}.`,
        ),
      ),
    );
    probe.listen(port, host, () => probe.close(() => resolve()));
  });
}
