/** What is built once for this user and kept: a folder per name and version, whole or not there. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import path from "node:path";
import { cacheDirectory } from "../../../apps/cli/src/local/cache-directory.ts";

/**
 * The folder of that version. Where there is none `build` fills a fresh one, which takes its place by one rename, so that
 * nobody ever sees half of it.
 */
export async function cached(
  name: string,
  version: string,
  build: (into: string) => Promise<void>,
): Promise<string> {
  const folder = folderOf(name, version);
  if (isCached(name, version)) return folder;
  await mkdir(path.dirname(folder), { recursive: true });
  const part = await mkdtemp(`${folder}.part-`);
  try {
    await build(part);
    await rename(part, folder).catch((error: unknown) => {
      // Another process was faster; what it built is the same.
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return folder;
}

/** Whether `cached` has it without building it. */
export function isCached(name: string, version: string): boolean {
  return existsSync(folderOf(name, version));
}

function folderOf(name: string, version: string): string {
  return path.join(cacheDirectory(), name, version);
}
