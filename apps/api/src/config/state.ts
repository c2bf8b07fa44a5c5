/** All objects of a mesh after one revision, parsed, with their hashes: what writes are checked against and reads answered from. */
import { parseObject, type MeshObject, type ParsedObject } from "@heddle/model";

export type Document = Readonly<Record<string, unknown>>;

export interface StateEntry {
  readonly key: string;
  readonly document: Document;
  /** The document as the model has it; undefined where this version cannot parse what an earlier one stored. */
  readonly object: MeshObject | undefined;
  readonly hash: string;
  readonly owner: string;
  /** The revision that last changed it. */
  readonly revision: number;
}

export interface MeshState {
  readonly revision: number;
  readonly headHash: string;
  /** By key; the order is of no meaning. */
  readonly entries: ReadonlyMap<string, StateEntry>;
}

export const hostedOwner = "hosted";

export function stateEntry(row: Omit<StateEntry, "object">): StateEntry {
  return { ...row, object: parseObject(row.document, { defaultNamespace: "default" }).object };
}

/** Objects as analysis takes them; what has no file of its own is named by its key. */
export function parsedObjects(
  entries: Iterable<StateEntry>,
  sources: ReadonlyMap<string, ParsedObject> = new Map(),
): ParsedObject[] {
  const objects: ParsedObject[] = [];
  for (const { key, object } of entries) {
    if (!object) continue;
    const source = sources.get(key)?.source ?? { file: "", line: 0, lineOf: () => 0 };
    objects.push({ object, source });
  }
  return objects;
}
