/** Where the command line finds its plane: contexts in a file of the user's, as kubectl has them. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { CliError } from "../output/cli-error.ts";

export interface Context {
  readonly url: string;
  readonly token: string;
  readonly mesh: string;
  readonly namespace: string;
  /** The agent's loopback debug address, where one runs on this machine. */
  readonly agent?: string;
}

interface ContextFile {
  current?: string;
  contexts: Record<string, Context>;
}

function contextFile(): string {
  return (
    process.env["HEDDLE_CONFIG"] ??
    path.join(
      process.env["XDG_CONFIG_HOME"] ?? path.join(homedir(), ".config"),
      "heddle",
      "config.json",
    )
  );
}

async function readContexts(): Promise<ContextFile> {
  const text = await readFile(contextFile(), "utf8").catch(() => undefined);
  if (text === undefined) return { contexts: {} };
  try {
    return JSON.parse(text) as ContextFile;
  } catch (error) {
    throw new CliError(
      "HDL9020",
      `${contextFile()} is not valid JSON: ${(error as Error).message}`,
      "Mend it, or remove it and start `heddle up` again.",
    );
  }
}

/** Writes a context and makes it the current one. The file holds tokens: only its owner may read it. */
export async function saveContext(name: string, context: Context): Promise<void> {
  const file = contextFile();
  const contexts = await readContexts().catch((): ContextFile => ({ contexts: {} }));
  contexts.contexts[name] = context;
  contexts.current = name;
  await mkdir(path.dirname(file), { recursive: true });
  const part = `${file}.${process.pid}`;
  await writeFile(part, `${JSON.stringify(contexts, null, 2)}\n`, { mode: 0o600 });
  await rename(part, file);
}

export interface ContextFlags {
  readonly context?: string;
  readonly url?: string;
  readonly token?: string;
  readonly mesh?: string;
  readonly namespace?: string;
}

/** The context a command works in: flags over environment over the named or current context of the file. */
export async function loadContext(flags: ContextFlags): Promise<Context> {
  const file = await readContexts();
  const name = flags.context ?? process.env["HEDDLE_CONTEXT"] ?? file.current;
  const saved = name === undefined ? undefined : file.contexts[name];
  if (flags.context && !saved) {
    throw new CliError(
      "HDL9021",
      `There is no context "${flags.context}".`,
      `Known: ${Object.keys(file.contexts).join(", ") || "none"}.`,
      2,
    );
  }
  const url = flags.url ?? process.env["HEDDLE_URL"] ?? saved?.url;
  const token = flags.token ?? process.env["HEDDLE_TOKEN"] ?? saved?.token;
  const mesh = flags.mesh ?? process.env["HEDDLE_MESH"] ?? saved?.mesh;
  if (!url || !token || !mesh) {
    throw new CliError(
      "HDL9022",
      "No plane is known to this command.",
      "Start one with `heddle up`, or give --url, --token and --mesh (HEDDLE_URL, HEDDLE_TOKEN, HEDDLE_MESH).",
      2,
    );
  }
  const namespace = flags.namespace ?? saved?.namespace ?? "default";
  return { url, token, mesh, namespace, ...(saved?.agent ? { agent: saved.agent } : {}) };
}
