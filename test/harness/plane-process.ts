/** A `heddle server` of its own, which a test may kill and start again on the same data. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { createClient, type HeddleClient } from "@heddle/client";
import { type CommandResult, heddle, ROOT } from "./demo-process.ts";

export interface PlaneProcess {
  readonly url: string;
  readonly token: string;
  readonly client: HeddleClient;
  output(): string;
  /** Runs the command line against it, in mesh `demo`. */
  heddle(args: readonly string[]): Promise<CommandResult>;
  /** SIGKILL, as a crash would have it. */
  kill(): Promise<void>;
  /** Ctrl-C. */
  stop(): Promise<void>;
}

/** A machine that is busy with other tests may take long. */
const READY_WITHIN_MS = 150_000;

export async function startPlaneProcess(port: number, dataDir: string): Promise<PlaneProcess> {
  const main = path.join(ROOT, "apps/cli/src/main.ts");
  const args = [main, "server", "--port", String(port), "--data", dataDir];
  const child = spawn(process.execPath, args, { cwd: ROOT });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await until(() => /^ready$/m.test(output) || child.exitCode !== null, READY_WITHIN_MS);
  if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}:\n${output}`);
  const token = (await readFile(path.join(dataDir, "plane/admin-token"), "utf8")).trim();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    HEDDLE_CONFIG: path.join(dataDir, "config.json"),
    HEDDLE_URL: url,
    HEDDLE_TOKEN: token,
    HEDDLE_MESH: "demo",
  };
  return {
    url,
    token,
    client: createClient({ baseUrl: url, token, retries: 0 }),
    output: () => output,
    heddle: (command) => heddle(command, env),
    kill: () => end(child, "SIGKILL"),
    stop: () => end(child, "SIGINT"),
  };
}

/** Resolves when the condition holds; an error that says what was waited for when it does not in time. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  withinMs: number,
  what: () => string = () => holds.toString(),
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Resolves when the child is gone; at once where it is already. */
export function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill(signal);
  });
}
