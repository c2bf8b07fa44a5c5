/** Keeps two processes from opening one data directory. */
import { DirectoryInUse, lockDirectory as lock } from "@heddle/lock";

/** HDL1060: another process holds the directory. */
export class DirectoryLockedError extends Error {
  readonly code = "HDL1060";
  readonly remedy =
    "One data directory serves one plane: stop that process, or choose another directory with --data.";
  /** Of the holder; undefined where it is not known. */
  readonly pid: number | undefined;

  constructor(directory: string, cause: DirectoryInUse) {
    super(`The data directory ${directory} is in use by ${cause.by}.`, { cause });
    this.name = "DirectoryLockedError";
    this.pid = cause.holder?.pid;
  }
}

/** Takes the directory's lock and returns how to let it go; it goes with the process in any case. */
export function lockDirectory(directory: string): () => void {
  try {
    return lock(directory);
  } catch (error) {
    throw error instanceof DirectoryInUse ? new DirectoryLockedError(directory, error) : error;
  }
}
