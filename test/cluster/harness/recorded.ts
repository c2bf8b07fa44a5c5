/** The processes of a cluster: each recorded in the cluster's folder of state, so that any later command finds and ends it. */
import { type SpawnOptions, spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isProcess, startOf } from "../../../apps/cli/src/local/process-identity.ts";

const POLL_MS = 20;
/** How long the kernel may take to do away with a process. */
const GONE_WITHIN_MS = 10_000;
const LOG_LINES = 15;

export interface Program {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

export interface Recorded {
  readonly name: string;
  readonly pid: number;
  readonly running: boolean;
}

/** `state` holds `pids/<name>.json` and `logs/<name>.log`. */
export function startRecorded(state: string, program: Program): number {
  const log = openLog(state, program.name);
  const options: SpawnOptions = { stdio: ["ignore", log, log], detached: true, cwd: state };
  const child = spawn(program.command, [...program.args], options);
  closeSync(log);
  // One that could not be started has no id, and the error comes as an event.
  child.on("error", (error) =>
    writeFileSync(logFile(state, program.name), `${error.message}\n`, { flag: "a" }),
  );
  child.unref();
  const pid = child.pid ?? 0;
  writeFileSync(pidFile(state, program.name), JSON.stringify({ pid, started: startOf(pid) ?? "" }));
  return pid;
}

/** All that were started and not stopped, whether they live or not. */
export function recorded(state: string): Recorded[] {
  const folder = path.join(state, "pids");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((file) => {
    const name = file.replace(/\.json$/, "");
    const { pid } = record(state, name);
    return { name, pid, running: isRunning(state, name) };
  });
}

export function isRunning(state: string, name: string): boolean {
  const { pid, started } = record(state, name);
  return lives(pid, started);
}

/** Its pid where it runs. */
export function pidOf(state: string, name: string): number | undefined {
  return isRunning(state, name) ? record(state, name).pid : undefined;
}

/** SIGKILL: what it would still write is thrown away. Resolves when it is gone and forgotten; at once where there is none. */
export async function killRecorded(state: string, name: string): Promise<void> {
  const { pid, started } = record(state, name);
  if (lives(pid, started)) process.kill(pid, "SIGKILL");
  const deadline = Date.now() + GONE_WITHIN_MS;
  while (lives(pid, started)) {
    if (Date.now() > deadline) throw new Error(`process ${pid} (${name}) does not end`);
    await sleep(POLL_MS);
  }
  rmSync(pidFile(state, name), { force: true });
}

/** The end of what a process has said. */
export function lastWords(state: string, name: string): string {
  const file = logFile(state, name);
  if (!existsSync(file)) return "";
  return readFileSync(file, "utf8").trimEnd().split("\n").slice(-LOG_LINES).join("\n");
}

export function logFile(state: string, name: string): string {
  return path.join(state, "logs", `${name}.log`);
}

function openLog(state: string, name: string): number {
  for (const folder of ["logs", "pids"]) mkdirSync(path.join(state, folder), { recursive: true });
  return openSync(logFile(state, name), "a");
}

function pidFile(state: string, name: string): string {
  return path.join(state, "pids", `${name}.json`);
}

function record(state: string, name: string): { pid: number; started: string } {
  try {
    return JSON.parse(readFileSync(pidFile(state, name), "utf8")) as {
      pid: number;
      started: string;
    };
  } catch {
    return { pid: 0, started: "" };
  }
}

function lives(pid: number, started: string): boolean {
  if (!isProcess(pid, started)) return false;
  try {
    // Ended, and waits only for its parent to ask how.
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
