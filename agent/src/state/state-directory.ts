/** The agent's directory on disk: files written whole or not at all, readable by the agent alone, and one agent at a time. */
import { constants } from "node:fs";
import { open, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { DirectoryInUse, lockDirectory } from "@heddle/lock";
import { AgentError } from "../agent-error.ts";

export interface StateDirectory {
  readonly path: string;
  /** Undefined where there is no such file. */
  read(name: string): Promise<string | undefined>;
  /** Durable when it resolves: written beside, synced, renamed, and the directory synced. */
  write(name: string, text: string): Promise<void>;
  /** Appends and syncs. */
  append(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Gives the directory back. */
  close(): Promise<void>;
}

/** Keys lie here: nobody else may read it. */
const PRIVATE_FILE = 0o600;

/** Makes the directory where there is none. `HDL7205` where it cannot be written, `HDL7214` where another agent has it. */
export async function openStateDirectory(directory: string): Promise<StateDirectory> {
  let release: () => void;
  try {
    release = lockDirectory(directory);
  } catch (error) {
    if (error instanceof DirectoryInUse)
      throw new AgentError(
        "HDL7214",
        `The state directory ${directory} is in use by ${error.by}.`,
        error,
      );
    throw new AgentError(
      "HDL7205",
      `The state directory ${directory} cannot be used: ${String(error)}`,
      error,
    );
  }
  const file = (name: string) => path.join(directory, name);
  return {
    path: directory,
    read: (name) => readOrNothing(file(name)),
    async write(name, text) {
      const part = file(`.${name}.part`);
      const handle = await open(part, "w", PRIVATE_FILE);
      try {
        await handle.writeFile(text);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(part, file(name));
      await syncDirectory(directory);
    },
    async append(name, text) {
      const handle = await open(
        file(name),
        constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND,
        PRIVATE_FILE,
      );
      try {
        await handle.writeFile(text);
        await handle.datasync();
      } finally {
        await handle.close();
      }
    },
    remove: (name) => rm(file(name), { force: true }),
    close: async () => release(),
  };
}

/** A rename is lost in a power cut unless its directory is synced too. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readOrNothing(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
