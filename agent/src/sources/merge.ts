/** One model from several owners: each object has exactly one, and who loses is reported. */
import { type Diagnostic, type MeshObject, originOf } from "@heddle/model";
import type { Change } from "@heddle/translate";

/**
 * `cluster`: what lives in the cluster itself (files, kubectl). `hosted`: what the plane holds. `elsewhere`: Services of the
 * mesh's other clusters. The first wins.
 */
export const owners = ["cluster", "hosted", "elsewhere"] as const;
export type Owner = (typeof owners)[number];

/** An object's values in one owner's hands. */
export interface OwnedObject {
  /** Null where only the candidate cohort has it. */
  readonly object: MeshObject | null;
  /** What the candidate cohort reads instead; absent: the same as everybody, null: nothing. */
  readonly candidate?: MeshObject | null;
}

export interface MergedModel {
  /** Takes an owner's changes (undefined: gone) and answers with what changed in the whole. */
  update(owner: Owner, changes: ReadonlyMap<string, OwnedObject | undefined>): Change[];
  /** Objects in force, with their owner. */
  entries(): IterableIterator<readonly [key: string, owner: Owner, object: MeshObject]>;
  get(key: string): MeshObject | undefined;
  ownerOf(key: string): Owner | undefined;
  /** One for each object that two owners claim. */
  conflicts(): Diagnostic[];
  readonly size: number;
}

export function createMergedModel(): MergedModel {
  const held = new Map<string, Map<Owner, OwnedObject>>();
  const contested = new Set<string>();
  const inForce = (key: string): [Owner, OwnedObject] | undefined => {
    const values = held.get(key);
    for (const owner of owners) {
      const value = values?.get(owner);
      if (value) return [owner, value];
    }
    return undefined;
  };
  return {
    update(owner, changes) {
      const changed: Change[] = [];
      for (const [key, value] of changes) {
        const before = inForce(key)?.[1];
        const values = held.get(key) ?? new Map<Owner, OwnedObject>();
        if (value) values.set(owner, value);
        else values.delete(owner);
        if (values.size > 0) held.set(key, values);
        else held.delete(key);
        // That clusters have Services of one name is what makes them one service.
        if (values.has("cluster") && values.has("hosted")) contested.add(key);
        else contested.delete(key);
        const after = inForce(key)?.[1];
        if (after === before) continue;
        changed.push({
          key,
          object: after?.object ?? null,
          ...(after && "candidate" in after
            ? { candidate: after.candidate as MeshObject | null }
            : {}),
        });
      }
      return changed;
    },
    *entries() {
      for (const key of held.keys()) {
        const value = inForce(key);
        if (value?.[1].object) yield [key, value[0], value[1].object] as const;
      }
    },
    get: (key) => inForce(key)?.[1].object ?? undefined,
    ownerOf: (key) => inForce(key)?.[0],
    conflicts: () =>
      [...contested].toSorted().flatMap((key) => {
        const object = inForce(key)?.[1].object;
        if (!object) return [];
        return {
          code: "HDL7210",
          level: "Warning" as const,
          message: `${originOf(object)} is owned by the cluster and by the plane; the cluster's is in force`,
          origin: originOf(object),
          remedy:
            "Keep one of the two: delete it in the cluster, or with `heddle delete` in the plane.",
        };
      }),
    get size() {
      return held.size;
    },
  };
}
