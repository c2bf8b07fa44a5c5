/** Which process an id means. Ids are given out again, after a reboot to whatever starts first, so the id alone says little. */
import { readFileSync } from "node:fs";

/**
 * When the process was started: the boot of the machine and the kernel's clock ticks since. With the id it names one process
 * for ever. Undefined where there is no such process, or no /proc to ask.
 */
export function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // After the command's name, which may hold spaces and brackets: the state is field 3, the start is field 22.
    const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return ticks === undefined ? undefined : `${boot}/${ticks}`;
  } catch {
    return undefined;
  }
}

/** True only where the process surely is the one that was started then. */
export function isProcess(pid: number, started: string): boolean {
  return pid > 1 && started !== "" && startOf(pid) === started;
}
