/** Reads what `-f` names: files, folders, or standard input. */
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { CliError } from "../output/cli-error.ts";

export interface InputFile {
  readonly name: string;
  readonly content: string;
}

const MANIFEST = /\.(ya?ml|json)$/i;

/** Every file that `names` stand for: `-` is standard input, a folder stands for the YAML and JSON files in it. */
export async function readInput(names: readonly string[]): Promise<InputFile[]> {
  const files: InputFile[] = [];
  for (const name of names) files.push(...(await readOne(name)));
  return files;
}

async function readOne(name: string): Promise<InputFile[]> {
  if (name === "-") return [{ name: "stdin", content: await readStdin() }];
  const info = await stat(name).catch(() => undefined);
  if (!info) {
    throw new CliError(
      "HDL9030",
      `There is no file or folder ${name}.`,
      "Check the path given with -f.",
      2,
    );
  }
  if (!info.isDirectory()) return [{ name, content: await readFile(name, "utf8") }];
  const entries = (await readdir(name)).filter((entry) => MANIFEST.test(entry)).toSorted();
  if (entries.length === 0) {
    throw new CliError(
      "HDL9031",
      `${name} holds no YAML or JSON files.`,
      "Name the folder that holds the manifests.",
      2,
    );
  }
  return Promise.all(
    entries.map(async (entry) => {
      const file = path.join(name, entry);
      return { name: file, content: await readFile(file, "utf8") };
    }),
  );
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
