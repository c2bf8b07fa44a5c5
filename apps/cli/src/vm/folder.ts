/** The folder of a machine on disk. Nobody else may read it: there is a token in it. */
import { chmod, mkdir, readdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import type { MachineFile } from "@heddle/injection";
import { CliError } from "../output/cli-error.ts";

/** Throws HDL9088 where the folder holds something already, or cannot be written. */
export async function writeNewFolder(folder: string, files: readonly MachineFile[]): Promise<void> {
  await writing(folder, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if ((await readdir(folder)).length > 0)
      throw new CliError(
        "HDL9088",
        `The folder ${folder} is not empty.`,
        "Name another with --out, or give --force to write over what is there.",
      );
    await writeAll(folder, files);
  });
}

/** Over what is there, each file at once: who follows one sees the old or the new. */
export async function writeOver(folder: string, files: readonly MachineFile[]): Promise<void> {
  await writing(folder, () => writeAll(folder, files));
}

async function writeAll(folder: string, files: readonly MachineFile[]): Promise<void> {
  for (const { name, text, mode } of files) {
    const place = path.join(folder, ...name.split("/"));
    const next = path.join(path.dirname(place), `..${path.basename(place)}.new`);
    await mkdir(path.dirname(place), { recursive: true, mode: 0o700 });
    await writeFile(next, text, { mode });
    // A mask may have taken something from it, and a file that was there has kept its own.
    await chmod(next, mode);
    await rename(next, place);
  }
}

async function writing(folder: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof CliError || code === undefined) throw error;
    throw new CliError(
      "HDL9088",
      `The folder ${folder} cannot be written: ${message}.`,
      "Name one with --out that can be written.",
    );
  }
}
