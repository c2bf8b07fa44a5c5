/** Which EnvoyFilters and WasmPlugins changed a resource, so that what Envoy refuses can be laid at their door. */

interface Patched {
  /** Keys of the objects. */
  readonly by: readonly string[];
  /** The resource as it was made; absent for one that a patch brought. */
  readonly original?: object;
}

const patched = new WeakMap<object, Patched>();

/** Keys of the objects that changed or brought a resource; none for one that is as it was made. */
export function patchedBy(resource: unknown): readonly string[] {
  const found = known(resource);
  if (found === undefined) return NOBODY;
  return found.original ? [...patchedBy(found.original), ...found.by] : found.by;
}

/** The resource before patches; itself where there were none. */
export function unpatched(resource: unknown): unknown {
  const original = known(resource)?.original;
  return original ? unpatched(original) : resource;
}

function known(resource: unknown): Patched | undefined {
  return typeof resource === "object" && resource !== null ? patched.get(resource) : undefined;
}

export function recordPatched(resource: object, by: readonly string[], original?: object): void {
  patched.set(resource, { by, ...(original ? { original } : {}) });
}

/** Whether a key is of an object whose effect is told by `patchedBy`. */
export function isPatchKey(key: string): boolean {
  return (
    key.startsWith("networking.istio.io/EnvoyFilter/") ||
    key.startsWith("extensions.istio.io/WasmPlugin/")
  );
}

const NOBODY: readonly never[] = [];
