/** Starts all that `heddle up` promises, in the order that things need each other, and says where to look. */
import { startPlane } from "@heddle/api/node";
import path from "node:path";
import { saveContext } from "../context/context.ts";
import { resolveEnvoy } from "../envoy/resolve.ts";
import { ensureConsole } from "./console-build.ts";
import { planeDirectories } from "./data-directory.ts";
import { DEMO_SETTINGS, startDemo } from "./demo.ts";
import { ensureMesh } from "./first-mesh.ts";
import { createProcessGroup } from "./processes.ts";
import { startTraffic } from "./traffic.ts";

export interface UpOptions {
  readonly port: number;
  readonly gatewayPort: number;
  readonly dataDir: string;
  readonly demo: boolean;
  /** Requests per second of the demo's traffic. */
  readonly rate: number;
  /** See `DemoOptions.block`. */
  readonly block: number;
  readonly say: (line: string) => void;
  /** Ends a start that is under way. */
  readonly signal: AbortSignal;
}

export interface RunningUp {
  close(): Promise<void>;
}

const DEMO_MESH = "demo";

/** Throws with nothing left running where a part cannot be started. */
export async function startUp(options: UpOptions): Promise<RunningUp> {
  const { say, dataDir, demo } = options;
  const closing: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const step of closing.splice(0).toReversed()) await step();
  };
  try {
    const envoy = demo ? resolveEnvoy((line) => say(`${line} …`)) : undefined;
    // Awaited below; a failure until then must not count as unhandled.
    envoy?.catch(() => {});
    const consoleDir = await ensureConsole(say);
    options.signal.throwIfAborted();
    const databaseUrl = process.env["DATABASE_URL"];
    const plane = await startPlane({
      port: options.port,
      ...planeDirectories(dataDir),
      ...(consoleDir ? { consoleDir } : {}),
      ...(databaseUrl ? { databaseUrl } : {}),
    });
    closing.push(() => plane.close());
    options.signal.throwIfAborted();
    const context = { url: plane.url, token: plane.adminToken, mesh: DEMO_MESH };
    if (envoy) {
      // The plane holds the lock of the data by now: children found in its list are leftovers, not another demo's.
      const logs = path.join(dataDir, "logs");
      const group = await createProcessGroup(logs, (name, reason) => say(`${name}: ${reason}`));
      closing.push(() => group.close());
      say(`starting  the demo; the logs of its processes are in ${logs}`);
      const { path: binary } = await unlessAborted(envoy, options.signal);
      const running = await startDemo({ ...options, plane: context, envoy: binary, group });
      const pods = running.cluster.pods.length;
      say(`started   an agent, ${pods} applications and ${pods + 1} Envoys`);
      if (options.rate > 0) {
        const url = `${running.gatewayUrl}/productpage`;
        const traffic = startTraffic({ url, rate: options.rate });
        closing.push(() => traffic.close());
      }
      await saveContext("demo", { ...context, namespace: "default", agent: running.agentUrl });
      announce(say, context, running.gatewayUrl);
    } else {
      await ensureMesh({ ...context, ...DEMO_SETTINGS });
      await saveContext("local", { ...context, namespace: "default" });
      announce(say, context, undefined);
    }
    return { close };
  } catch (error) {
    await close();
    throw error;
  }
}

function announce(
  say: (line: string) => void,
  { url, token }: { url: string; token: string },
  gatewayUrl: string | undefined,
): void {
  say("");
  say(`console   ${url}/#token=${token}`);
  say(`API       ${url}/v1/openapi.json`);
  if (gatewayUrl) {
    say(`bookshop  ${gatewayUrl}/productpage`);
    say("");
    say("try       ./heddle apply -f examples/bookinfo/rules/reviews-v3.yaml");
    say("          ./heddle get vs; ./heddle history; ./heddle proxy-status");
  }
  say("stop      Ctrl-C ends everything; the next start goes on from its data");
  say("");
  say("ready");
}

/** Rejects as soon as the signal says so: what is waited for may take minutes, and ends with this process. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let give: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    give = () => reject(signal.reason as Error);
    signal.addEventListener("abort", give, { once: true });
  });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", give));
}
