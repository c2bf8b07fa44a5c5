/** Runs `heddle` commands as a user does, and a whole demo in a folder of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

export const ROOT = path.resolve(import.meta.dirname, "../..");

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** When the command returned, in milliseconds of `Date.now()`. */
  readonly at: number;
}

/** Runs the command line from the checkout, on this Node. */
export function heddle(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path.join(ROOT, "apps/cli/src/main.ts"), ...args], {
      cwd: ROOT,
      env: { ...process.env, ...env },
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("error", reject);
    child.on("exit", (code) => resolve({ code: code ?? 1, stdout, stderr, at: Date.now() }));
  });
}

export interface DemoProcess {
  readonly url: string;
  readonly gatewayUrl: string;
  readonly token: string;
  readonly agentUrl: string;
  readonly dataDir: string;
  /** Milliseconds from the command to `ready`. */
  readonly startMs: number;
  readonly output: () => string;
  readonly pid: number;
  heddle(args: readonly string[]): Promise<CommandResult>;
  /** Ctrl-C; resolves when it has ended. */
  stop(): Promise<number>;
}

export interface DemoProcessOptions {
  readonly port: number;
  readonly gatewayPort: number;
  /** Loopback block of the pods; demos that run at once need different ones, two apart. */
  readonly block: number;
  readonly rate?: number;
  /** Go on from an earlier demo's data. */
  readonly dataDir?: string;
  readonly env?: Record<string, string>;
}

const READY_WITHIN_MS = 120_000;

export async function startDemoProcess(options: DemoProcessOptions): Promise<DemoProcess> {
  const dataDir = options.dataDir ?? (await mkdtemp(path.join(tmpdir(), "heddle-demo-")));
  const env = { HEDDLE_CONFIG: path.join(dataDir, "config.json"), ...options.env };
  const started = Date.now();
  const child = spawn(
    process.execPath,
    [
      path.join(ROOT, "apps/cli/src/main.ts"),
      ...["up", "--demo", "--data", dataDir],
      ...["--port", String(options.port), "--gateway-port", String(options.gatewayPort)],
      ...["--block", String(options.block), "--rate", String(options.rate ?? 0)],
    ],
    { cwd: ROOT, env: { ...process.env, ...env } },
  );
  const output = await untilReady(child);
  const token = /#token=(\S+)/.exec(output())?.[1] ?? "";
  return {
    url: `http://127.0.0.1:${options.port}`,
    gatewayUrl: `http://127.0.0.1:${options.gatewayPort}`,
    token,
    agentUrl: `http://127.${options.block}.0.1:15014`,
    dataDir,
    startMs: Date.now() - started,
    output,
    pid: child.pid as number,
    heddle: (args) => heddle(args, env),
    stop: () => stop(child),
  };
}

export async function removeDemoData(demo: DemoProcess | undefined): Promise<void> {
  if (demo) await rm(demo.dataDir, { recursive: true, force: true });
}

function untilReady(child: ChildProcess): Promise<() => string> {
  let output = "";
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGTERM");
      reject(new Error(`not ready within ${READY_WITHIN_MS} ms:\n${output}`));
    }, READY_WITHIN_MS);
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (!/^ready$/m.test(output)) return;
      clearTimeout(timer);
      resolve(() => output);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code} before it was ready:\n${output}`));
    });
  });
}

function stop(child: ChildProcess): Promise<number> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => {
    child.once("exit", (code) => resolve(code ?? 1));
    child.kill("SIGINT");
  });
}
