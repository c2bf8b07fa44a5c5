/** Where the command line finds its plane: contexts in a file of the user's, as kubectl has them. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { CliError } from "../output/cli-error.ts";

/** A plane, and the mesh that was chosen of it. */
export interface PlaneContext {
  readonly url: string;
  readonly token: string;
  readonly mesh?: string;
}

export interface Context extends PlaneContext {
  readonly mesh: string;
  readonly namespace: string;
  /** The agent's loopback debug address, where one runs on this machine. */
  readonly agent?: string;
}

/** A context as it is kept: one without a mesh knows a plane alone. */
export interface SavedContext extends PlaneContext {
  readonly namespace?: string;
  readonly agent?: string;
}

export interface ContextFile {
  current?: string;
  contexts: Record<string, SavedContext>;
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

export async function readContexts(): Promise<ContextFile> {
  const text = await readFile(contextFile(), "utf8").catch(() => undefined);
  if (text === undefined) return { contexts: {} };
  try {
    return JSON.parse(text) as ContextFile;
  } catch (error) {
    throw new CliError(
      "HDL9020",
      `${contextFile()} is not valid JSON: ${(error as Error).message}`,
      "Mend it, or remove it: `heddle up` and `heddle context save` write it anew.",
    );
  }
}

/** Writes a context and makes it the current one. */
export async function saveContext(name: string, context: SavedContext): Promise<void> {
  const contexts = await readContexts().catch((): ContextFile => ({ contexts: {} }));
  contexts.contexts[name] = context;
  contexts.current = name;
  await writeContexts(contexts);
}

/** The file holds tokens: only its owner may read it. */
export async function writeContexts(contexts: ContextFile): Promise<void> {
  const file = contextFile();
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

/** Whether flags, environment or a saved context name a plane. */
export async function knowsPlane(flags: ContextFlags): Promise<boolean> {
  const saved = await savedContext(flags);
  return Boolean(flags.url ?? given("HEDDLE_URL") ?? saved?.url);
}

/** The plane that a command talks to: flags over environment over the named or current context of the file. */
export async function loadPlane(flags: ContextFlags): Promise<PlaneContext> {
  const saved = await savedContext(flags);
  const url = flags.url ?? given("HEDDLE_URL") ?? saved?.url;
  const token = flags.token ?? given("HEDDLE_TOKEN") ?? saved?.token;
  if (!url || !token) {
    throw new CliError(
      "HDL9022",
      "No plane is known to this command.",
      "Start one with `heddle up`, keep one with `heddle context save NAME --url URL --token-file FILE`, or give --url and --token (HEDDLE_URL, HEDDLE_TOKEN).",
      2,
    );
  }
  return { url, token, ...meshOf(flags, saved) };
}

/** The plane and the mesh that a command works in. HDL9025 where no mesh is chosen. */
export async function loadContext(flags: ContextFlags): Promise<Context> {
  const { url, token, mesh } = await loadPlane(flags);
  if (!mesh) {
    throw new CliError(
      "HDL9025",
      "No mesh is chosen.",
      "See `heddle mesh list` or make one with `heddle mesh create NAME`; name it with --mesh (HEDDLE_MESH), or keep it with `heddle context save NAME --mesh MESH`.",
      2,
    );
  }
  const saved = await savedContext(flags);
  const namespace = flags.namespace ?? saved?.namespace ?? "default";
  return { url, token, mesh, namespace, ...(saved?.agent ? { agent: saved.agent } : {}) };
}

/**
 * Makes a new mesh that of the saved context, where commands work in one that has none yet. Returns the context's name;
 * undefined where the plane came from flags or the environment, or a mesh was chosen before.
 */
export async function adoptMesh(flags: ContextFlags, mesh: string): Promise<string | undefined> {
  const file = await readContexts();
  const name = currentName(file, flags);
  const saved = name === undefined ? undefined : file.contexts[name];
  const elsewhere = flags.url ?? given("HEDDLE_URL");
  if (name === undefined || !saved || saved.mesh || elsewhere) return undefined;
  file.contexts[name] = { ...saved, mesh };
  await writeContexts(file);
  return name;
}

/** The agent whose debug address the context knows; needs no plane. */
export async function savedAgent(flags: ContextFlags): Promise<string | undefined> {
  return (await savedContext(flags))?.agent;
}

function meshOf(flags: ContextFlags, saved: SavedContext | undefined): { mesh?: string } {
  const mesh = flags.mesh ?? given("HEDDLE_MESH") ?? saved?.mesh;
  return mesh ? { mesh } : {};
}

async function savedContext(flags: ContextFlags): Promise<SavedContext | undefined> {
  const file = await readContexts();
  const name = currentName(file, flags);
  const saved = name === undefined ? undefined : file.contexts[name];
  if (flags.context && !saved) throw unknownContext(flags.context, file);
  return saved;
}

/** The name by which a command finds its context; undefined where none is saved. */
export function currentName(
  { current }: ContextFile,
  flags: { readonly context?: string } = {},
): string | undefined {
  return flags.context ?? given("HEDDLE_CONTEXT") ?? current;
}

export function unknownContext(name: string, { contexts }: ContextFile): CliError {
  return new CliError(
    "HDL9021",
    `There is no context "${name}".`,
    `Known: ${Object.keys(contexts).join(", ") || "none"}.`,
    2,
  );
}

/** A variable that is set to nothing is not set. */
function given(variable: string): string | undefined {
  return process.env[variable] || undefined;
}
