/** What the cluster owns, from two places: the API server, and files. What the API server has is in force. */
import { type Diagnostic, type MeshObject, originOf } from "@heddle/model";
import type { OwnedObject } from "./merge.ts";

export const places = ["kubernetes", "files"] as const;
export type Place = (typeof places)[number];
type Changes = ReadonlyMap<string, OwnedObject | undefined>;

export interface ClusterOwner {
  /** Takes a place's changes and answers with what is another one for the cluster as a whole. */
  update(place: Place, changes: Changes): Map<string, OwnedObject | undefined>;
  /** As the API server has it, whatever files say: what proves something. */
  kubernetes<Spec>(key: string): MeshObject<Spec> | undefined;
  /** Of the objects that the API server has, those that begin so. */
  kubernetesKeys(prefix: string): string[];
  /** Where the object in force comes from. */
  placeOf(key: string): Place | undefined;
  /** One for each object that stands in both. */
  diagnostics(): Diagnostic[];
}

export function createClusterOwner(): ClusterOwner {
  const held: Readonly<Record<Place, Map<string, OwnedObject>>> = {
    kubernetes: new Map(),
    files: new Map(),
  };
  const twice = new Set<string>();
  const placeOf = (key: string) => places.find((place) => held[place].has(key));
  const inForce = (key: string) => {
    const place = placeOf(key);
    return place && held[place].get(key);
  };
  return {
    placeOf,
    kubernetes: <Spec>(key: string) =>
      (held.kubernetes.get(key)?.object ?? undefined) as MeshObject<Spec> | undefined,
    kubernetesKeys: (prefix) => [...held.kubernetes.keys()].filter((key) => key.startsWith(prefix)),
    update(place, changes) {
      const changed = new Map<string, OwnedObject | undefined>();
      for (const [key, value] of changes) {
        const before = inForce(key);
        if (value) held[place].set(key, value);
        else held[place].delete(key);
        if (places.every((each) => held[each].has(key))) twice.add(key);
        else twice.delete(key);
        const after = inForce(key);
        if (after !== before) changed.set(key, after);
      }
      return changed;
    },
    diagnostics: () =>
      [...twice].toSorted().flatMap((key) => {
        const object = inForce(key)?.object;
        if (!object) return [];
        return {
          code: "HDL7236",
          level: "Warning" as const,
          message: `${originOf(object)} stands in the cluster and in a file; the cluster's is in force`,
          origin: originOf(object),
          remedy: "Keep one of the two.",
        };
      }),
  };
}
