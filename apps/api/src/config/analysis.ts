/** Which findings of analysis refuse a write: errors that it brings, not those that the mesh had before. */
import { analyze } from "@heddle/analysis";
import { originOf, type Diagnostic, type ParsedObject } from "@heddle/model";
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

/** Everything that is found in a state. Computed once for each state and view. */
export function findingsOf(
  state: MeshState,
  view: AnalysisView,
  sources?: ReadonlyMap<string, ParsedObject>,
): readonly Diagnostic[] {
  const kept = analyses.get(state) ?? new Map<string, readonly Diagnostic[]>();
  analyses.set(state, kept);
  const { rootNamespace, clusterDomain } = view.settings;
  const name = JSON.stringify([
    view.strict,
    view.force,
    rootNamespace,
    clusterDomain,
    view.cluster.version,
  ]);
  const known = kept.get(name);
  if (known && !sources) return known;
  const found = analyze(parsedObjects(state.entries.values(), sources), {
    strict: view.strict,
    force: view.force,
    services: view.cluster.services,
    ...(rootNamespace === undefined ? {} : { rootNamespace }),
    ...(clusterDomain === undefined ? {} : { clusterDomain }),
  });
  kept.set(name, found.map(withoutReference));
  return found;
}

const analyses = new WeakMap<MeshState, Map<string, readonly Diagnostic[]>>();

/** A file's line means something only to who sent the file. */
function withoutReference({ reference: _, ...finding }: Diagnostic): Diagnostic {
  return finding;
}

/** Findings about the objects that change, and those elsewhere that were not there before. */
export function newFindings(
  before: MeshState,
  after: MeshState,
  changed: Iterable<string>,
  sources: ReadonlyMap<string, ParsedObject>,
  view: AnalysisView,
): Diagnostic[] {
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

const identity = ({ code, origin, path, message }: Diagnostic) =>
  JSON.stringify([code, origin, path ?? "", message]);
