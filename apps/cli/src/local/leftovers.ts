/** Children that outlived a run that was killed: recorded while they run, ended by the next run, and never taken for another's. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { isProcess, startOf } from "./process-identity.ts";

/** The kernel takes a moment to give back the ports of a process that was killed. */
const GONE_WITHIN_MS = 4_000;

interface RecordedProcess {
  readonly name: string;
  readonly pid: number;
  /** See `startOf`; empty where it could not be told. */
  readonly started: string;
}

/** Replaces the list. At once, so that a kill right after a start leaves nothing unrecorded. */
export function recordProcesses(
  file: string,
  running: readonly { readonly name: string; readonly pid: number }[],
): void {
  const list = running.map(({ name, pid }): RecordedProcess => ({
    name,
    pid,
    started: startOf(pid) ?? "",
  }));
  writeFileSync(`${file}.part`, JSON.stringify(list));
  renameSync(`${file}.part`, file);
}

/** Kills every process on the list that is still the one that was recorded, with its group, and waits until it is gone. */
export async function endLeftovers(file: string): Promise<void> {
  for (const { pid, started } of readList(file)) {
    if (!isProcess(pid, started)) continue;
    killGroup(pid);
    const deadline = Date.now() + GONE_WITHIN_MS;
    while (Date.now() < deadline && isProcess(pid, started) && !(await isZombie(pid)))
      await sleep(10);
  }
}

/** SIGKILL for a process that leads a group of its own, and for all in the group. */
export function killGroup(pid: number): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, "SIGKILL");
      return;
    } catch {
      // It has ended, or leads no group.
    }
  }
}

function readList(file: string): readonly RecordedProcess[] {
  try {
    const list: unknown = JSON.parse(readFileSync(file, "utf8"));
    return Array.isArray(list) ? list.filter(isRecord) : [];
  } catch {
    return [];
  }
}

function isRecord(value: unknown): value is RecordedProcess {
  const { pid, started } = (value ?? {}) as Partial<RecordedProcess>;
  return Number.isInteger(pid) && typeof started === "string";
}

/** Ended, and only waits for its parent to ask how. */
async function isZombie(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return /\) [ZX] /.test(stat);
}
