/** Which findings of analysis refuse a write: errors that it brings, not those that the mesh had before. */
import { analyze } from "@heddle/analysis";
import { originOf, type Diagnostic, type ParsedObject } from "@heddle/model";
import { parsedObjects, type MeshState } from "./state.ts";

export interface AnalysisFlags {
  readonly strict: boolean;
  readonly force: boolean;
}

/** Everything that is found in a state. Computed once for each state and flags. */
export function findingsOf(
  state: MeshState,
  flags: AnalysisFlags,
  sources?: ReadonlyMap<string, ParsedObject>,
): readonly Diagnostic[] {
  const kept = analyses.get(state) ?? new Map<string, readonly Diagnostic[]>();
  analyses.set(state, kept);
  const name = `${flags.strict} ${flags.force}`;
  const known = kept.get(name);
  if (known && !sources) return known;
  const found = analyze(parsedObjects(state.entries.values(), sources), flags);
  kept.set(
    name,
    found.map(({ reference: _, ...finding }) => finding),
  );
  return found;
}

const analyses = new WeakMap<MeshState, Map<string, readonly Diagnostic[]>>();

/** Findings about the objects that change, and those elsewhere that were not there before. */
export function newFindings(
  before: MeshState,
  after: MeshState,
  changed: Iterable<string>,
  sources: ReadonlyMap<string, ParsedObject>,
  flags: AnalysisFlags,
): Diagnostic[] {
  const origins = new Set<string>();
  for (const key of changed) {
    const object = after.entries.get(key)?.object ?? before.entries.get(key)?.object;
    if (object) origins.add(originOf(object));
  }
  const known = new Set(findingsOf(before, flags).map(identity));
  return findingsOf(after, flags, sources).filter(
    (finding) => origins.has(finding.origin) || !known.has(identity(finding)),
  );
}

const identity = ({ code, origin, path, message }: Diagnostic) =>
  JSON.stringify([code, origin, path ?? "", message]);
