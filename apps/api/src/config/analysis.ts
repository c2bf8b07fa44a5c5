/** Findings about a mesh's objects, and which of them refuse a write: those that it brings, not those that were there. */
import { analyze, gatewayApiStatusOf, ingressStatusOf, MeshIndex } from "@heddle/analysis";
import {
  originOf,
  type Diagnostic,
  type ExtensionProvider,
  type MeshObject,
  type ParsedObject,
} from "@heddle/model";
import type { MeshRecord } from "../deps.ts";
import type { ClusterView } from "./cluster-view.ts";
import { parsedObjects, type MeshState } from "./state.ts";

/** What a mesh's findings depend on beside its objects. */
export interface AnalysisView {
  readonly strict: boolean;
  readonly force: boolean;
  readonly settings: MeshRecord["settings"];
  readonly cluster: ClusterView;
}

/** Everything that is found in a state. */
export function findingsOf(
  state: MeshState,
  view: AnalysisView,
  sources?: ReadonlyMap<string, ParsedObject>,
): Diagnostic[] {
  return analyze(parsedObjects(state.entries.values(), sources), {
    ...optionsOf(view),
    services: view.cluster.services,
  });
}

/** What is found about some objects of a state, by key; the time it takes does not grow with the mesh. */
export function findingsAbout(
  state: MeshState,
  view: AnalysisView,
  keys: Iterable<string>,
): Diagnostic[] {
  return analyze(indexOf(state, view), { ...optionsOf(view), only: new Set(keys) });
}

/** Under `status` in Kubernetes: what becomes of an object of the Gateway API, or of an Ingress. Undefined for all others. */
export function statusOf(state: MeshState, view: AnalysisView, key: string) {
  const index = indexOf(state, view);
  return gatewayApiStatusOf(index, key) ?? ingressStatusOf(index, key, view.settings.rootNamespace);
}

/**
 * Findings about the objects that change, and those elsewhere that were not there before. Where nothing else can refer
 * to what changes, nothing else is looked at.
 */
export function newFindings(
  before: MeshState,
  after: MeshState,
  changed: ReadonlySet<string>,
  sources: ReadonlyMap<string, ParsedObject>,
  view: AnalysisView,
): Diagnostic[] {
  if ([...changed].every((key) => after.entries.has(key) && NOT_REFERRED_TO.test(key))) {
    const index = indexOf(before, view);
    try {
      for (const key of changed)
        put(index, key, sources.get(key) ?? after.entries.get(key)?.object);
      return analyze(index, { ...optionsOf(view), only: changed });
    } finally {
      for (const key of changed) put(index, key, before.entries.get(key)?.object);
    }
  }
  const origins = new Set<string>();
  for (const key of changed) {
    const object = after.entries.get(key)?.object ?? before.entries.get(key)?.object;
    if (object) origins.add(originOf(object));
  }
  const known = new Set(findingsOf(before, view).map(identity));
  return findingsOf(after, view, sources).filter(
    (finding) => origins.has(finding.origin) || !known.has(identity(finding)),
  );
}

/** Gives the index of a state to the state that follows it, so that it is not made again. */
export function carryIndex(before: MeshState, after: MeshState, changed: Iterable<string>): void {
  const kept = indexes.get(before);
  if (!kept) return;
  indexes.delete(before);
  for (const key of changed) put(kept.index, key, after.entries.get(key)?.object);
  indexes.set(after, kept);
}

/** Kinds that no other object's findings depend on, but for conflicts, which are found on both sides. */
const NOT_REFERRED_TO =
  /^(networking\.istio\.io\/(VirtualService|Sidecar|ProxyConfig)|telemetry\.istio\.io\/Telemetry)\//;

interface KeptIndex {
  /** Of the view that the index was made for. */
  readonly version: string;
  readonly index: MeshIndex;
}

/** Indexes change in place; each belongs to one state at a time, and nothing is awaited while it differs from that. */
const indexes = new WeakMap<MeshState, KeptIndex>();

function indexOf(state: MeshState, { settings, cluster }: AnalysisView): MeshIndex {
  const { clusterDomain } = settings;
  const version = JSON.stringify([clusterDomain, cluster.version]);
  const kept = indexes.get(state);
  if (kept?.version === version) return kept.index;
  const index = new MeshIndex(clusterDomain === undefined ? {} : { clusterDomain });
  for (const { object } of state.entries.values()) if (object) index.put(object);
  for (const service of cluster.services) index.addService(service);
  indexes.set(state, { version, index });
  return index;
}

function put(index: MeshIndex, key: string, object: MeshObject | ParsedObject | undefined): void {
  if (object) index.put(object);
  else index.remove(key);
}

function optionsOf({ strict, force, settings }: AnalysisView) {
  const { rootNamespace, clusterDomain, extensionProviders = [] } = settings;
  return {
    strict,
    force,
    // What is stored was read by its schema.
    extensionProviders: extensionProviders as readonly ExtensionProvider[],
    ...(rootNamespace === undefined ? {} : { rootNamespace }),
    ...(clusterDomain === undefined ? {} : { clusterDomain }),
  };
}

const identity = ({ code, origin, path, message }: Diagnostic) =>
  JSON.stringify([code, origin, path ?? "", message]);
