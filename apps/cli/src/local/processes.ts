/** Child processes of one `heddle up`: started with a log file each, restarted when they fail, ended with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A child that fails is started again after this long, doubled for each failure in a row up to the maximum. */
const RESTART_DELAY_MS = 500;
const RESTART_DELAY_MAX_MS = 15_000;
/** A child that ran this long has recovered: its next failure counts as the first. */
const HEALTHY_AFTER_MS = 30_000;
/** After SIGTERM a child has this long before SIGKILL. */
const GRACE_MS = 4_000;
const LOG_LIMIT_BYTES = 20 * 1024 * 1024;

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

  const recordPids = async () => {
    const running = [...entries.values()].flatMap(({ spec, child }) =>
      child?.pid ? [{ name: spec.name, pid: child.pid, command: spec.command }] : [],
    );
    await writeFile(`${pidFile}.part`, JSON.stringify(running)).then(() =>
      rename(`${pidFile}.part`, pidFile),
    );
  };
  let recording = Promise.resolve();
  const record = () => (recording = recording.then(recordPids, recordPids).catch(() => {}));

  const launch = (entry: Entry) => {
    const { spec } = entry;
    const log = openSync(logFile(spec.name), "a");
    const child = spawn(spec.command, [...spec.args], {
      stdio: ["ignore", log, log],
      env: { ...process.env, ...spec.env },
    });
    closeSync(log);
    entry.child = child;
    entry.startedAt = Date.now();
    child.on("error", (error) => onFailure(spec.name, error.message));
    child.on("exit", (code, signal) => {
      entry.child = undefined;
      if (entry.stopping) return;
      if (Date.now() - entry.startedAt > HEALTHY_AFTER_MS) entry.failures = 0;
      const delay = Math.min(RESTART_DELAY_MS * 2 ** entry.failures++, RESTART_DELAY_MAX_MS);
      onFailure(spec.name, `ended with ${signal ?? `code ${code}`}; starting it again`);
      entry.timer = setTimeout(() => launch(entry), delay);
    });
    void record();
  };

  const stop = async (name: string) => {
    const entry = entries.get(name);
    if (!entry) return;
    entry.stopping = true;
    clearTimeout(entry.timer);
    entries.delete(name);
    if (entry.child) await end(entry.child);
    await record();
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
    },
  };
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const kill = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
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

/** Ends children of an earlier run that was killed, where the pid still runs the command that was recorded. */
async function endLeftovers(pidFile: string): Promise<void> {
  const text = await readFile(pidFile, "utf8").catch(() => "[]");
  let recorded: { pid: number; command: string }[] = [];
  try {
    recorded = JSON.parse(text) as typeof recorded;
  } catch {
    return;
  }
  for (const { pid, command } of recorded) {
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (!line.startsWith(command)) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended between the look and the kill.
    }
    await gone(pid);
  }
}

/** Until a killed process has given back its ports; the kernel takes a moment. */
async function gone(pid: number): Promise<void> {
  const deadline = Date.now() + GRACE_MS;
  while (Date.now() < deadline) {
    const state = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    if (state === "" || / [ZX] /.test(state)) return;
    await sleep(10);
  }
}
