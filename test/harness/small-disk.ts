/** A file system of a few megabytes that can be filled: a real full disk. Only root may mount one. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import path from "node:path";

export interface SmallDisk {
  /** Leaves this many bytes free. */
  fill(leave?: number): void;
  free(): void;
  unmount(): void;
}

/** Why there can be none here; undefined where there can. */
export const noSmallDisk =
  process.platform !== "linux" || process.getuid?.() !== 0
    ? "mounting a file system needs root on Linux"
    : undefined;

export function mountSmallDisk(directory: string, megabytes: number): SmallDisk {
  mkdirSync(directory, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", directory]);
  const ballast = path.join(directory, "ballast");
  return {
    fill(leave = 0) {
      rmSync(ballast, { force: true });
      const { bavail, bsize } = statfsSync(directory);
      try {
        writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - leave)));
      } catch (error) {
        // Others write meanwhile: full is what was wanted.
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    },
    free: () => rmSync(ballast, { force: true }),
    unmount: () => execFileSync("umount", ["-l", directory]),
  };
}
