/** The modules of all WasmPlugins: fetched, verified, kept on disk, and handed to the translation. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Diagnostic, type MeshObject, originOf, type WasmPlugin } from "@heddle/model";
import { wasmModuleKey, type WasmModuleState } from "@heddle/translate";
import type { AgentLog } from "../log.ts";
import { fetchModule } from "./fetch-module.ts";
import { ModuleError } from "./module-error.ts";
import { sha256Of } from "./verify-module.ts";

export interface WasmModulesOptions {
  /** Modules are kept here, each under its checksum. */
  readonly directory: string;
  /** All objects in force, and those that stay in force in the place of others. */
  readonly objects: () => Iterable<MeshObject>;
  readonly get: (key: string) => MeshObject | undefined;
  /** Where the translation is told. */
  readonly set: (key: string, state: WasmModuleState | undefined) => void;
  /** The state of a module has changed. */
  readonly changed: () => void;
  readonly log: AgentLog;
}

export interface WasmModules {
  objectsChanged(keys: readonly string[]): void;
  /** One for each plugin whose module cannot be had. */
  diagnostics(): readonly Diagnostic[];
  close(): void;
}

type Plugin = MeshObject<WasmPlugin>;

const PLUGIN = "extensions.istio.io/WasmPlugin/";
const SECRET = "core/Secret/";
/** Milliseconds between tries; doubled each time. */
const RETRY = { first: 2_000, longest: 300_000 };
const INDEX = "index.json";

interface Wanted {
  readonly plugins: readonly Plugin[];
  error: ModuleError | undefined;
  tries: number;
  timer: NodeJS.Timeout | undefined;
  /** The newest attempt; an older one's outcome counts no more. */
  attempt: number;
  ready: boolean;
}

export function createWasmModules(options: WasmModulesOptions): WasmModules {
  const { directory, objects, get, set, changed, log } = options;
  const wanted = new Map<string, Wanted>();
  const cache = createModuleCache(directory);
  /** Not wanted any more: there until the next change, since a plugin that Envoy refuses goes on as it was. */
  const retired = new Map<string, Plugin>();
  let closed = false;

  function objectsChanged(keys: readonly string[]): void {
    const plugins = keys.filter((key) => key.startsWith(PLUGIN));
    const secrets = keys.some((key) => key.startsWith(SECRET));
    if (plugins.length === 0 && !(secrets && wanted.size > 0)) return;
    const byModule = Map.groupBy(everyPlugin(objects()), wasmModuleKey);
    for (const key of retired.keys()) if (!byModule.has(key)) set(key, undefined);
    retired.clear();
    for (const [key, entry] of wanted) {
      if (byModule.has(key)) continue;
      clearTimeout(entry.timer);
      wanted.delete(key);
      retired.set(key, entry.plugins[0] as Plugin);
    }
    for (const [key, users] of byModule) {
      const before = wanted.get(key);
      const again =
        before?.error !== undefined || (before && refetches(users[0] as Plugin, plugins, users));
      const entry = before
        ? Object.assign(before, { plugins: users })
        : {
            plugins: users,
            error: undefined,
            tries: 0,
            timer: undefined,
            attempt: 0,
            ready: false,
          };
      wanted.set(key, entry);
      if (!before || again) void obtain(key, entry);
    }
    const kept = [
      ...[...wanted.values()].map(({ plugins: [plugin] }) => plugin),
      ...retired.values(),
    ];
    void cache.keepOnly(kept.map(cacheKey));
    changed();
  }

  async function obtain(key: string, entry: Wanted): Promise<void> {
    clearTimeout(entry.timer);
    const attempt = ++entry.attempt;
    const current = () => !closed && wanted.get(key) === entry && entry.attempt === attempt;
    const plugin = entry.plugins[0] as Plugin;
    const { url, sha256 = "" } = plugin.spec;
    try {
      const known = await cache.find(cacheKey(plugin), sha256);
      // Also where it is to be fetched each time: what was verified before serves until the new one is there.
      if (known && !entry.ready && current()) serve(key, entry, known);
      if (known && (sha256 !== "" || !alwaysFetched(plugin.spec))) {
        if (current()) settle(entry, undefined);
        return;
      }
      const bytes = await fetchModule({ url, sha256, dockerConfig: dockerConfigOf(plugin, get) });
      if (!current()) return;
      await cache.keep(cacheKey(plugin), bytes);
      if (!current()) return;
      serve(key, entry, bytes);
      settle(entry, undefined);
      log.info("wasm: module fetched", { url, bytes: bytes.length });
    } catch (error) {
      if (!current()) return;
      settle(
        entry,
        error instanceof ModuleError
          ? error
          : new ModuleError("HDL7220", `${url}: ${String(error)}`, "Report this.", error),
      );
      if (!entry.ready) set(key, { state: "failed" });
      const delay = Math.min(RETRY.first * 2 ** entry.tries++, RETRY.longest);
      entry.timer = setTimeout(() => void obtain(key, entry), delay);
      entry.timer.unref();
      log.warn("wasm: a module cannot be had", { url, error: String(error) });
    }
  }

  function serve(key: string, entry: Wanted, bytes: Uint8Array): void {
    entry.ready = true;
    set(key, { state: "ready", bytes: Buffer.from(bytes).toString("base64") });
  }

  function settle(entry: Wanted, error: ModuleError | undefined): void {
    entry.error = error;
    if (!error) entry.tries = 0;
    changed();
  }

  return {
    objectsChanged,
    diagnostics: () =>
      [...wanted.values()].flatMap(({ plugins, error, ready }) =>
        error === undefined ? [] : plugins.map((plugin) => diagnosticOf(plugin, error, ready)),
      ),
    close() {
      closed = true;
      for (const { timer } of wanted.values()) clearTimeout(timer);
    },
  };
}

function diagnosticOf(plugin: Plugin, error: ModuleError, ready: boolean): Diagnostic {
  const open = plugin.spec.failStrategy === "FAIL_OPEN";
  const meanwhile = ready
    ? "the module that was fetched before goes on"
    : open
      ? "requests pass without the plugin"
      : "requests that would pass it are refused";
  return {
    code: error.code,
    level: "Error",
    message: `${error.message}; ${meanwhile}`,
    origin: originOf(plugin),
    path: error.code === "HDL7221" ? "spec.sha256" : "spec.url",
    remedy: error.remedy,
  };
}

function* everyPlugin(objects: Iterable<MeshObject>): Generator<Plugin> {
  for (const object of objects) if (object.kind === "WasmPlugin") yield object as Plugin;
}

/** Whether one of the users was applied anew and asks to be fetched each time. */
function refetches(plugin: Plugin, changed: readonly string[], users: readonly Plugin[]): boolean {
  return (
    alwaysFetched(plugin.spec) &&
    users.some(({ metadata }) =>
      changed.includes(`${PLUGIN}${metadata.namespace}/${metadata.name}`),
    )
  );
}

/** As Istio has it: images of the tag `latest`, unless told otherwise. A file is at hand. */
function alwaysFetched({ url, imagePullPolicy = "UNSPECIFIED_POLICY" }: WasmPlugin): boolean {
  if (imagePullPolicy !== "UNSPECIFIED_POLICY") return imagePullPolicy === "Always";
  if (/^file:/i.test(url)) return true;
  const image = /^oci:\/\//i.test(url) || !/^[a-z]+:\/\//i.test(url);
  return image && !url.includes("@") && (url.endsWith(":latest") || !/:[^/]+$/.test(url.slice(6)));
}

function dockerConfigOf(
  { metadata, spec }: Plugin,
  get: (key: string) => MeshObject | undefined,
): string | undefined {
  const name = spec.imagePullSecret;
  if (!name) return undefined;
  const secret = get(`${SECRET}${metadata.namespace}/${name}`)?.spec as
    | { readonly data?: Record<string, string>; readonly stringData?: Record<string, string> }
    | undefined;
  const plain = secret?.stringData?.[".dockerconfigjson"];
  const encoded = secret?.data?.[".dockerconfigjson"];
  if (plain !== undefined || encoded === undefined) return plain;
  return Buffer.from(encoded, "base64").toString("utf8");
}

/** A checksum may be an image's, which says nothing of the module's own. */
function cacheKey(plugin: Plugin | undefined): string {
  return `${plugin?.spec.sha256?.toLowerCase() ?? ""} ${plugin?.spec.url ?? ""}`;
}

/** Files named by their checksum, and an index of them by `cacheKey`. */
function createModuleCache(directory: string) {
  let index: Promise<Map<string, string>> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const file = (name: string) => path.join(directory, name);
  /** Modules come at any time, and have the index in common, or a file. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work);
    last = next.catch(() => undefined);
    return next;
  };
  const read = () =>
    (index ??= readFile(file(INDEX), "utf8").then(
      (text) => new Map(Object.entries(JSON.parse(text) as Record<string, string>)),
      () => new Map<string, string>(),
    ));
  const write = async (urls: Map<string, string>) => {
    const part = file(`.${INDEX}.part`);
    await writeFile(part, JSON.stringify(Object.fromEntries(urls)), { mode: 0o600 });
    await rename(part, file(INDEX));
  };
  return {
    /** Verified when it was put there, and by its name now. */
    async find(key: string, sha256: string): Promise<Uint8Array | undefined> {
      const known = (await read()).get(key) ?? sha256.toLowerCase();
      if (!known || !/^[0-9a-f]{64}$/.test(known)) return undefined;
      const bytes = await readFile(file(`${known}.wasm`)).catch(() => undefined);
      return bytes && sha256Of(bytes) === known ? bytes : undefined;
    },
    keep: (key: string, bytes: Uint8Array): Promise<void> =>
      inTurn(async () => {
        await mkdir(directory, { recursive: true, mode: 0o700 });
        const name = sha256Of(bytes);
        const part = file(`.${name}.part`);
        await writeFile(part, bytes, { mode: 0o600 });
        await rename(part, file(`${name}.wasm`));
        const urls = await read();
        urls.set(key, name);
        await write(urls);
      }),
    /** Forgets what no plugin asks for. */
    keepOnly: (used: readonly string[]): Promise<void> =>
      inTurn(async () => {
        const urls = await read();
        const gone = [...urls.keys()].filter((url) => !used.includes(url));
        if (gone.length === 0) return;
        for (const url of gone) urls.delete(url);
        const kept = new Set([...urls.values()].map((name) => `${name}.wasm`));
        await write(urls).catch(() => undefined);
        for (const name of await readdir(directory).catch(() => []))
          if (name.endsWith(".wasm") && !kept.has(name)) await rm(file(name), { force: true });
      }),
  };
}
