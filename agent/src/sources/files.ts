/** A folder of Kubernetes and mesh resources as a source of objects: watched, and each file whole or as it last was. */
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { watch } from "chokidar";
import {
  closedInstead,
  type Diagnostic,
  MAX_DOCUMENT_BYTES,
  objectKey,
  type ParsedObject,
  parseDocuments,
  withoutTwins,
} from "@heddle/model";
import type { AgentLog } from "../log.ts";
import type { OwnedObject } from "./merge.ts";

/** Changes of a burst are taken together, milliseconds: kubectl, git and editors write several files at once. */
const GATHER = 15;
/** A file that was emptied is believed after so long, milliseconds: editors empty it before they write. */
const EMPTY_FOR = 150;
const EXTENSIONS = new Set([".yaml", ".yml", ".json"]);

export interface FilesUpdate {
  readonly changes: ReadonlyMap<string, OwnedObject | undefined>;
  readonly diagnostics: readonly Diagnostic[];
}

export interface FilesSource {
  /** Files that are read, and of them those whose last good objects stand in. */
  status(): { readonly files: number; readonly bad: readonly string[] };
  /** Where an object was read: `file:line`. */
  sourceOf(key: string): string | undefined;
  close(): Promise<void>;
}

interface LoadedFile {
  readonly text: string;
  readonly objects: readonly ParsedObject[];
  readonly diagnostics: readonly Diagnostic[];
  readonly bad: boolean;
}

/**
 * Reads the folder, gives what it holds to `update`, then again whenever it changes. A folder that is not there yet is
 * waited for. Names that begin with a dot are passed over, as Kubernetes' own mounts and half-written files have them.
 */
export async function startFilesSource(
  directory: string,
  update: (update: FilesUpdate) => void,
  log: AgentLog,
): Promise<FilesSource> {
  const files = new Map<string, LoadedFile>();
  let inForce = new Map<string, ParsedObject>();
  const dirty = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> = Promise.resolve();
  let closed = false;

  const load = async (file: string) => {
    const text = await readText(file, files.get(file)?.text);
    if (text === undefined) return void files.delete(file);
    const before = files.get(file);
    if (before?.text === text) return;
    const loaded = parse(path.relative(directory, file), text, before);
    if (loaded.bad)
      log.warn("HDL7211: a file is bad; its last good objects stay in force", {
        file,
        first: loaded.diagnostics[0]?.message,
      });
    files.set(file, loaded);
  };
  const publish = () => {
    const sorted = [...files].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
    const { objects, diagnostics } = withoutTwins(sorted.flatMap((file) => file.objects));
    const next = new Map(objects.map((parsed) => [objectKey(parsed.object), parsed]));
    const changes = new Map<string, OwnedObject | undefined>();
    for (const [key, parsed] of next)
      if (inForce.get(key)?.object !== parsed.object) changes.set(key, { object: parsed.object });
    for (const key of inForce.keys()) if (!next.has(key)) changes.set(key, undefined);
    inForce = next;
    update({
      changes,
      diagnostics: [...sorted.flatMap((file) => file.diagnostics), ...diagnostics],
    });
  };
  const reload = () => {
    timer = undefined;
    const names = [...dirty];
    dirty.clear();
    working = working.then(async () => {
      if (closed) return;
      await Promise.all(names.map(load));
      publish();
    });
    working = working.catch((error: unknown) =>
      log.error("the folder could not be read", { directory, error: String(error) }),
    );
  };
  const touch = (file: string) => {
    if (!isResource(file)) return;
    dirty.add(path.resolve(file));
    timer ??= setTimeout(reload, GATHER);
  };

  // Watched before it is read, so that nothing falls between; what is read twice is the same text and changes nothing.
  const watcher = watch(directory, {
    ignoreInitial: true,
    ignored: (name) => name !== directory && path.basename(name).startsWith("."),
  });
  watcher.on("add", touch).on("change", touch).on("unlink", touch);
  watcher.on("error", (error) =>
    log.warn("watching the folder failed", { directory, error: String(error) }),
  );
  await new Promise<void>((resolve) => void watcher.once("ready", () => resolve()));
  await Promise.all((await filesIn(directory)).map(load));
  publish();

  return {
    status: () => ({
      files: files.size,
      bad: [...files].filter(([, { bad }]) => bad).map(([name]) => path.relative(directory, name)),
    }),
    sourceOf(key) {
      const source = inForce.get(key)?.source;
      return source && `${source.file}:${source.line}`;
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await watcher.close();
      await working;
    },
  };
}

/** A text that cannot be read in full leaves the objects of its last good version in place; without one its policies refuse. */
function parse(name: string, text: string, before: LoadedFile | undefined): LoadedFile {
  const { objects, diagnostics } = parseDocuments(text, { file: name, instead: closedInstead });
  const bad = diagnostics.some(({ level, code }) => level === "Error" && code !== PLANNED);
  const unchanged = new Map(
    before?.objects.map((parsed) => [`${objectKey(parsed.object)}`, parsed]),
  );
  const kept = objects.map((parsed) => sameObject(unchanged.get(objectKey(parsed.object)), parsed));
  return { text, objects: bad && before ? before.objects : kept, diagnostics, bad };
}

/** A kind that is known and not yet translated: no reason to hold the file back. */
const PLANNED = "HDL0009";

/** An object that was not changed keeps its identity, so that only what differs is translated again. */
function sameObject(before: ParsedObject | undefined, now: ParsedObject): ParsedObject {
  if (!before || JSON.stringify(before.object) !== JSON.stringify(now.object)) return now;
  return { object: before.object, source: now.source };
}

/** Undefined where the file is gone. */
async function readText(file: string, before: string | undefined): Promise<string | undefined> {
  try {
    if ((await stat(file)).size > MAX_DOCUMENT_BYTES)
      return `# larger than ${MAX_DOCUMENT_BYTES} bytes\n"`;
    const text = await readFile(file, "utf8");
    if (text.trim() !== "" || !before) return text;
    await new Promise((resolve) => setTimeout(resolve, EMPTY_FOR));
    return await readFile(file, "utf8");
  } catch (error) {
    if (["ENOENT", "EISDIR"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined;
    throw error;
  }
}

async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter(
      (file) =>
        isResource(file) &&
        !path
          .relative(directory, file)
          .split(path.sep)
          .some((part) => part.startsWith(".")),
    );
}

const isResource = (file: string) => EXTENSIONS.has(path.extname(file).toLowerCase());
