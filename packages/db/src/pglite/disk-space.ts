/** Refuses writes while the disk can still take what is under way: Postgres in PGlite does not survive a full disk. */
import { statfsSync } from "node:fs";

/** Two segments of the write-ahead log: one write may need a new one, and a checkpoint another. */
const LEAST_FREE_BYTES = 32 * 1024 * 1024;

/** An answer of the file system is believed this long, milliseconds. */
const BELIEVED_FOR = 200;

/** The disk has no room for another write; nothing was changed. `code` is `ENOSPC`. */
export class DiskFullError extends Error {
  override readonly name = "DiskFullError";
  readonly code = "ENOSPC";
}

/** Returns a check that throws `DiskFullError` where the directory's file system is about to be full. */
export function diskSpaceCheck(directory: string): () => void {
  let free = Number.POSITIVE_INFINITY;
  let readAt = 0;
  return () => {
    const now = performance.now();
    if (now - readAt > BELIEVED_FOR) {
      readAt = now;
      const { bavail, bsize } = statfsSync(directory);
      free = bavail * bsize;
    }
    if (free < LEAST_FREE_BYTES)
      throw new DiskFullError(
        `No space left on device: ${Math.floor(free / 1024 / 1024)} MB are free beside ${directory}; a write needs ${LEAST_FREE_BYTES / 1024 / 1024} MB.`,
      );
  };
}
