/** Which patches apply to a proxy, as one value that all proxies with the same patches share. */
import { type EnvoyFilter, labelsMatch, type MeshObject, selects } from "@heddle/model";
import type { ProxyDescription } from "../proxy.ts";
import { derivation, type ModelReader } from "../read.ts";
import { isTarget } from "../store/by-target.ts";
import type { FiledFilter } from "../store/envoy-filters.ts";
import type { Patch } from "./compile.ts";

export type PatchContext = "SIDECAR_INBOUND" | "SIDECAR_OUTBOUND" | "GATEWAY";

export interface PatchSet {
  /** In the order in which they are applied. */
  readonly patches: readonly Patch[];
}

/** A set by its key: `""` is nobody's, and proxies with equal keys share what is patched. */
export type PatchSetKey = string;

const NONE: PatchSetKey = "";

/**
 * The root namespace's patches before those of the proxy's own; in each by priority, then age. `chosen` narrows the set to
 * some patches, so that clients which differ only in others share.
 */
export function patchKeyOf(
  read: ModelReader,
  proxy: ProxyDescription,
  chosen: (patch: Patch) => boolean = () => true,
): PatchSetKey {
  if (proxy.proxyless) return NONE;
  const found: [namespace: string, key: string, indexes: readonly number[]][] = [];
  for (const namespace of new Set([read.mesh.rootNamespace, proxy.namespace])) {
    for (const filed of read.envoyFilters(namespace)) {
      if (!selected(filed.rule, proxy, read.mesh.rootNamespace)) continue;
      const indexes = filed.patches.flatMap((patch, index) =>
        chosen(patch) && proxyMatches(patch, proxy) ? [index] : [],
      );
      if (indexes.length > 0) found.push([namespace, filed.key, indexes]);
    }
  }
  return found.length === 0 ? NONE : JSON.stringify(found);
}

/** Undefined for the key of nothing. */
export function patchesFor(read: ModelReader, key: PatchSetKey): PatchSet | undefined {
  return key === NONE ? undefined : read.get(patchSet, key);
}

const patchSet = derivation<PatchSetKey, PatchSet>(
  "patch/set",
  (key) => key,
  (read, key) => {
    const chosen = JSON.parse(key) as [string, string, readonly number[]][];
    const patches = chosen.flatMap(([namespace, object, indexes]) => {
      const filed = read.envoyFilters(namespace).find((each) => each.key === object);
      return filed === undefined ? [] : pick(filed, indexes);
    });
    return { patches };
  },
);

function pick({ patches }: FiledFilter, indexes: readonly number[]): readonly Patch[] {
  return indexes.flatMap((index) => patches[index] ?? []);
}

function selected(
  { metadata, spec }: MeshObject<EnvoyFilter>,
  proxy: ProxyDescription,
  rootNamespace: string,
): boolean {
  const { targetRefs, workloadSelector } = spec;
  if (targetRefs !== undefined && targetRefs.length > 0) {
    return targetRefs.some((reference) =>
      isTarget(proxy, reference, metadata.namespace, rootNamespace),
    );
  }
  return !selects(workloadSelector?.labels) || labelsMatch(workloadSelector.labels, proxy.labels);
}

/** Versions are short; a longer one would only be there to keep a regular expression busy. */
const MAX_VERSION = 64;

function proxyMatches({ match }: Patch, proxy: ProxyDescription): boolean {
  const { context = "ANY", proxy: wanted } = match;
  if (context === "WAYPOINT") return false;
  if (context !== "ANY" && (context === "GATEWAY") !== (proxy.type === "router")) return false;
  if (wanted === undefined) return true;
  const { metadata = {}, version = "" } = proxy;
  if (wanted.proxyVersion) {
    if (version === "" || version.length > MAX_VERSION) return false;
    try {
      if (!new RegExp(wanted.proxyVersion).test(version)) return false;
    } catch {
      // Validation names it; a pattern that cannot be read matches nothing.
      return false;
    }
  }
  return Object.entries(wanted.metadata ?? {}).every(([key, value]) => metadata[key] === value);
}
