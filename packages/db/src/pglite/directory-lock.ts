/** Keeps two processes from opening one data directory: a file names the process that holds it. */
import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { randomUUID } from "node:crypto";
import path from "node:path";

/** HDL1060: another process holds the directory. */
export class DirectoryLockedError extends Error {
  readonly code = "HDL1060";
  readonly remedy =
    "One data directory serves one plane: stop that process, or choose another directory with --data.";
  readonly pid: number;

  constructor(directory: string, holder: Holder) {
    super(
      `The data directory ${directory} is in use by process ${holder.pid} since ${holder.since}.`,
    );
    this.name = "DirectoryLockedError";
    this.pid = holder.pid;
  }
}

interface Holder {
  readonly pid: number;
  /** When the process was started, in the kernel's own count: a pid may have been given to another since. */
  readonly started: string;
  /** RFC 3339. */
  readonly since: string;
  readonly id: string;
}

/** Takes the lock and returns how to let it go. A lock whose process is gone is taken over. */
export function lockDirectory(directory: string): () => void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = path.join(directory, "heddle.lock");
  const mine: Holder = {
    pid: process.pid,
    started: startOf(process.pid) ?? "",
    since: new Date().toISOString(),
    id: randomUUID(),
  };
  const draft = `${file}.${mine.id}`;
  writeFileSync(draft, JSON.stringify(mine), { mode: 0o600 });
  try {
    while (!tryLink(draft, file)) {
      const holder = read(file);
      if (holder && isAlive(holder)) throw new DirectoryLockedError(directory, holder);
      takeAway(file, holder);
    }
  } finally {
    unlinkSync(draft);
  }
  return () => {
    if (read(file)?.id === mine.id) rmSync(file, { force: true });
  };
}

/** Making a hard link fails where the name exists: that is what makes the lock atomic. */
function tryLink(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes a stale lock; of several that try, one moves it, and a fresh lock moved by mistake is put back. */
function takeAway(file: string, stale: Holder | undefined): void {
  const aside = `${file}.stale-${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if (read(aside)?.id !== stale?.id) tryLink(aside, file);
  unlinkSync(aside);
}

function read(file: string): Holder | undefined {
  try {
    const value = JSON.parse(readFileSync(file, "utf8")) as Partial<Holder>;
    if (typeof value.pid !== "number") return undefined;
    return {
      pid: value.pid,
      started: value.started ?? "",
      since: value.since ?? "",
      id: value.id ?? "",
    };
  } catch {
    return undefined;
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const started = startOf(holder.pid);
  return started === undefined || holder.started === "" || started === holder.started;
}

/** The process's start in clock ticks since boot; undefined where there is no /proc. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
