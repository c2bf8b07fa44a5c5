/** What a program takes of the machine, with the processes that it has started, as Linux counts it. */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

export interface ProcessUsage {
  readonly pid: number;
  /** The program's file. */
  readonly name: string;
  readonly residentBytes: number;
  /** Without pages of files, such as Node itself, which its processes have in common. */
  readonly ownBytes: number;
  /** The most that it ever was. */
  readonly peakBytes: number;
  /** User and system, since it began; of threads that have ended too. To a hundredth. */
  readonly cpuSeconds: number;
}

/** Of a process and its children. */
export async function usageOfTree(pid: number): Promise<ProcessUsage[]> {
  return Promise.all((await withChildren(pid)).map(usageOf));
}

/** Of all together: what they have in common, Node's own file above all, is in memory once. Bytes. */
export function residentOf(all: readonly ProcessUsage[]): number {
  return (
    all.reduce((sum, { ownBytes }) => sum + ownBytes, 0) +
    Math.max(...all.map(({ residentBytes, ownBytes }) => residentBytes - ownBytes))
  );
}

/** Seconds on a core since it began, to the nanosecond; of the threads that it still has. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const each = threads.map((thread) =>
    readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8").catch(() => "0"),
  );
  const nanoseconds = (await Promise.all(each)).map((text) => Number(text.split(" ")[0]));
  return nanoseconds.reduce((sum, used) => sum + used, 0) / 1e9;
}

export async function withChildren(pid: number): Promise<number[]> {
  const all = (await readdir("/proc")).map(Number).filter((each) => each > 0);
  const parents = await Promise.all(
    all.map(async (each) => [each, (await statusOf(each)).get("PPid")] as const),
  );
  return [pid, ...parents.filter(([, parent]) => Number(parent) === pid).map(([each]) => each)];
}

async function usageOf(pid: number): Promise<ProcessUsage> {
  const [status, stat, command] = await Promise.all([
    statusOf(pid),
    readFile(`/proc/${pid}/stat`, "utf8"),
    readFile(`/proc/${pid}/cmdline`, "utf8"),
  ]);
  const kilobytes = (field: string) => Number.parseInt(status.get(field) ?? "0", 10) * 1024;
  // After the name, which may hold anything: utime and stime are fields 14 and 15, in hundredths of a second.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const script = command.split("\0").find((each) => each.endsWith(".js")) ?? "";
  return {
    pid,
    name: path.basename(script),
    ownBytes: kilobytes("RssAnon"),
    residentBytes: kilobytes("VmRSS"),
    peakBytes: kilobytes("VmHWM"),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
  };
}

async function statusOf(pid: number): Promise<Map<string, string>> {
  const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return new Map(
    text.split("\n").map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
}
