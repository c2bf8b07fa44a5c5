/** Child processes of one `heddle up`: started with a log file each, restarted when they fail, ended with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, fstatSync, openSync } from "node:fs";
import { mkdir, open, rename, stat } from "node:fs/promises";
import path from "node:path";
import { endLeftovers, killGroup, recordProcesses } from "./leftovers.ts";

/** A child that fails is started again after this long, doubled for each failure in a row up to the maximum. */
const RESTART_DELAY_MS = 500;
const RESTART_DELAY_MAX_MS = 15_000;
/** A child that ran this long has recovered: its next failure counts as the first. */
const HEALTHY_AFTER_MS = 30_000;
/** After SIGTERM a child has this long before SIGKILL. */
const GRACE_MS = 4_000;
const LOG_LIMIT_BYTES = 20 * 1024 * 1024;
/** How far back the last words of a child that failed are looked for, and how many characters of them are told. */
const LAST_WORDS_BYTES = 8 * 1024;
const LAST_WORDS_LENGTH = 300;

export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Record<string, string>;
}

export interface ProcessGroup {
  start(spec: ProcessSpec): Promise<void>;
  /** Ends one child and does not start it again; resolves when it is gone. */
  stop(name: string): Promise<void>;
  pid(name: string): number | undefined;
  logFile(name: string): string;
  close(): Promise<void>;
}

interface Entry {
  readonly spec: ProcessSpec;
  child: ChildProcess | undefined;
  failures: number;
  startedAt: number;
  stopping: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** `directory` gets `<name>.log` for each child and `pids.json`, from which a later start ends what a crash left. */
export async function createProcessGroup(
  directory: string,
  onFailure: (name: string, reason: string) => void,
): Promise<ProcessGroup> {
  await mkdir(directory, { recursive: true });
  const pidFile = path.join(directory, "pids.json");
  await endLeftovers(pidFile);
  const entries = new Map<string, Entry>();
  const logFile = (name: string) => path.join(directory, `${name}.log`);

  const record = () => {
    const running = [...entries.values()].flatMap(({ spec, child }) =>
      child?.pid ? [{ name: spec.name, pid: child.pid }] : [],
    );
    try {
      recordProcesses(pidFile, running);
    } catch {
      // A full disk must not end what runs; only a crash would leave it behind then.
    }
  };
  // However this process ends, short of being killed itself, nothing that it started goes on without it.
  const killAll = () => {
    for (const { child } of entries.values()) if (child?.pid) killGroup(child.pid);
  };
  process.on("exit", killAll);

  const launch = (entry: Entry) => {
    const { spec } = entry;
    const log = openSync(logFile(spec.name), "a");
    const logStart = fstatSync(log).size;
    const child = spawn(spec.command, [...spec.args], {
      stdio: ["ignore", log, log],
      env: { ...process.env, ...spec.env },
      // A group of its own: a terminal's Ctrl-C is for this process, which then ends its children in order.
      detached: true,
    });
    closeSync(log);
    // One that could not even be started has no id and never exits.
    entry.child = child.pid === undefined ? undefined : child;
    entry.startedAt = Date.now();
    child.on("error", (error) => onFailure(spec.name, error.message));
    child.on("exit", (code, signal) => {
      entry.child = undefined;
      if (entry.stopping) return;
      if (Date.now() - entry.startedAt > HEALTHY_AFTER_MS) entry.failures = 0;
      const delay = Math.min(RESTART_DELAY_MS * 2 ** entry.failures++, RESTART_DELAY_MAX_MS);
      entry.timer = setTimeout(() => launch(entry), delay);
      const how = `ended with ${signal ?? `code ${code}`}`;
      void lastWords(logFile(spec.name), logStart)
        .catch(() => "")
        .then((words) =>
          onFailure(spec.name, `${how}${words ? ` (${words})` : ""}; starting it again`),
        );
    });
    record();
  };

  const stop = async (name: string) => {
    const entry = entries.get(name);
    if (!entry) return;
    entry.stopping = true;
    clearTimeout(entry.timer);
    if (entry.child) await end(entry.child);
    // Only now: until it is gone it is among those that must not outlive this process.
    if (entries.get(name) === entry) entries.delete(name);
    record();
  };

  return {
    async start(spec) {
      await stop(spec.name);
      await rotate(logFile(spec.name));
      const entry: Entry = {
        spec,
        child: undefined,
        failures: 0,
        startedAt: 0,
        stopping: false,
        timer: undefined,
      };
      entries.set(spec.name, entry);
      launch(entry);
    },
    stop,
    pid: (name) => entries.get(name)?.child?.pid,
    logFile,
    async close() {
      await Promise.all([...entries.keys()].map(stop));
      process.off("exit", killAll);
    },
  };
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const kill = setTimeout(() => child.pid && killGroup(child.pid), GRACE_MS);
    child.once("exit", () => {
      clearTimeout(kill);
      resolve();
    });
    child.kill("SIGTERM");
  });
}

async function rotate(file: string): Promise<void> {
  const size = await stat(file).then(
    (s) => s.size,
    () => 0,
  );
  if (size > LOG_LIMIT_BYTES) await rename(file, `${file}.1`);
}

/** What a child said last since `from`, an offset in its log: the line with a code where there is one, else the last of all. */
async function lastWords(file: string, from: number): Promise<string> {
  const log = await open(file, "r").catch(() => undefined);
  if (!log) return "";
  try {
    const { size } = await log.stat();
    const start = Math.max(from, size - LAST_WORDS_BYTES);
    const bytes = Buffer.alloc(Math.max(0, size - start));
    const { bytesRead } = await log.read(bytes, 0, bytes.length, start);
    const lines = bytes.toString("utf8", 0, bytesRead).split("\n");
    const told = lines.map((line) => line.trim()).filter((line) => line !== "");
    const words = told.findLast((line) => /\bHDL\d{4}\b/.test(line)) ?? told.at(-1) ?? "";
    return words.slice(0, LAST_WORDS_LENGTH);
  } finally {
    await log.close();
  }
}
