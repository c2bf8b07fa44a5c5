/** Real Envoys for tests: started on a static bootstrap, asked, and ended. */
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export const envoyBinary = process.env["HEDDLE_ENVOY"];

export interface RunningEnvoy {
  /** What the admin interface answers on a path. */
  admin(path: string): Promise<string>;
  /** All that it has logged. */
  log(): string;
  /** SIGSTOP leaves it with its connections and without a word; SIGCONT lets it go on. */
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  stop(): Promise<void>;
}

/** For machines that are busy with other things. */
const START_LIMIT_MS = 45_000;

/** Rejects with Envoy's log if it does not become ready in time. Connections to what goes are closed when it has drained. */
export async function startEnvoy(
  bootstrap: Bootstrap,
  startLimitMs = START_LIMIT_MS,
  /** Worker threads. */
  concurrency = 1,
  drainSeconds = 1,
): Promise<RunningEnvoy> {
  const folder = await mkdtemp(join(tmpdir(), "heddle-envoy-"));
  const file = join(folder, "bootstrap.json");
  await writeFile(file, JSON.stringify(bootstrap));
  const child = spawn(
    envoyBinary ?? "envoy",
    [
      "-c",
      file,
      "--concurrency",
      String(concurrency),
      "--disable-hot-restart",
      "--log-level",
      "warn",
      "--drain-time-s",
      String(drainSeconds),
      // Clients are told to come again by every answer at once: with so little time a growing share of answers is not enough.
      "--drain-strategy",
      "immediate",
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let log = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const { address, portValue } = bootstrap.admin?.address?.socketAddress ?? {};
  const base = `http://${address}:${portValue}`;
  const stop = async () => {
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  const admin = async (path: string) => (await fetch(`${base}${path}`)).text();
  const limit = Date.now() + startLimitMs;
  while (Date.now() < limit && child.exitCode === null) {
    const ready = await fetch(`${base}/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return { admin, log: () => log, signal: (name) => void child.kill(name), stop };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await stop();
  throw new Error(`Envoy did not become ready:\n${log}`);
}

/** What `envoy --mode validate` says against a bootstrap; empty if it accepts it without a warning. */
export async function validate(bootstrap: unknown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "heddle-envoy-"));
  const file = join(folder, "bootstrap.json");
  try {
    await writeFile(file, JSON.stringify(bootstrap));
    const { stderr } = await promisify(execFile)(envoyBinary ?? "envoy", [
      "-c",
      file,
      "--mode",
      "validate",
      "--log-level",
      "warn",
    ]);
    return stderr.trim();
  } catch (error) {
    return (error as { stderr?: string }).stderr || String(error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 3000);
  await exit;
  clearTimeout(timer);
}
