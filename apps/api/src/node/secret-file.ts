/** Files that only their owner may read: the envelope key and the first token. */
import { randomUUID } from "node:crypto";
import { chmod, link, mkdir, readFile, rename, unlink, writeFile } from "node:fs/promises";
import path from "node:path";

/** Undefined where there is none. */
export async function readSecret(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Writes the file whole or not at all, with mode 0600. */
export async function writeSecret(file: string, secret: string): Promise<void> {
  const draft = await writeDraft(file, secret);
  await rename(draft, file);
}

/** As `writeSecret` where there is none; else the one that is there. Safe with several at once. */
export async function readOrWriteSecret(file: string, make: () => string): Promise<string> {
  const known = await readSecret(file);
  if (known !== undefined) return known;
  const draft = await writeDraft(file, make());
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await unlink(draft);
  }
  return (await readSecret(file)) ?? "";
}

async function writeDraft(file: string, secret: string): Promise<string> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, `${secret}\n`, { mode: 0o600, flush: true });
  await chmod(draft, 0o600);
  return draft;
}
