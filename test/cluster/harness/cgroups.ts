/** The control groups of containers: the kernel keeps them when what was in them is killed, so that somebody has to remove them. */
import { existsSync, readFileSync, rmdirSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ROOT = "/sys/fs/cgroup";
/** A group is busy until the kernel has done away with its last process. */
const EMPTY_WITHIN_MS = 5_000;
const POLL_MS = 20;

/** Folders of the groups that these processes are in and this one is not. */
export function groupsOf(pids: readonly number[]): string[] {
  const own = new Set(foldersOf(process.pid));
  return [...new Set(pids.flatMap(foldersOf))].filter((folder) => !own.has(folder));
}

/** Removes the groups, and those above them that are left with nothing. */
export async function removeGroups(folders: readonly string[]): Promise<void> {
  const deadline = Date.now() + EMPTY_WITHIN_MS;
  for (const folder of folders) {
    while (!isRemoved(folder)) {
      if (Date.now() > deadline) throw new Error(`the control group ${folder} is still busy`);
      await sleep(POLL_MS);
    }
    // Down to a controller's own folder, which is no group: containerd's is one for all that it runs on the machine.
    let above = path.dirname(folder);
    while (path.relative(ROOT, above).includes(path.sep) && isRemoved(above))
      above = path.dirname(above);
  }
}

function isRemoved(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

/** `/proc/<pid>/cgroup` has a line `number:controllers:path` for each hierarchy; version 2 has one, of no controllers. */
function foldersOf(pid: number): string[] {
  let lines: string[] = [];
  try {
    lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
  } catch {
    // It has ended.
  }
  return lines.flatMap((line) => {
    const [, controllers = "", group = "/"] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (group === "/") return [];
    return treesOf(controllers)
      .map((tree) => path.join(tree, group))
      .filter((folder) => existsSync(folder));
  });
}

/** Controllers that share a hierarchy are mounted together or each by itself. */
function treesOf(controllers: string): string[] {
  if (controllers === "") return [ROOT, path.join(ROOT, "unified")];
  const names = [controllers, ...controllers.split(",")].map((name) => name.replace(/^name=/, ""));
  return [...new Set(names)].map((name) => path.join(ROOT, name));
}
