/** The state root: one hash for everything that a mesh holds, whichever way it was reached. */

import { sha256 } from "./digest.ts";
import type { Cohort } from "./overlay.ts";

/**
 * SHA-256 over the pairs sorted by key (UTF-16 code units), each as `key`, NUL, hash, newline. Keys come from
 * `objectStateKey` and `overlayStateKey`, hashes from `objectHash`. The empty state has a root too.
 */
export function stateRoot(pairs: Iterable<readonly [key: string, hash: string]>): Promise<string> {
  const hashes = new Map(pairs);
  return sortedStateRoot([...hashes.keys()].toSorted(), (key) => hashes.get(key) ?? "");
}

/** As `stateRoot`, of keys that are in order already. */
export function sortedStateRoot(
  keys: readonly string[],
  hashOf: (key: string) => string,
): Promise<string> {
  // Joined, not added up: the latter leaves a tree of strings that costs more to flatten than to hash.
  return sha256(keys.map((key) => `${key}\0${hashOf(key)}\n`).join(""));
}

/** What an object's value goes by in the state: its own key, marked where it is the candidate's of two values. */
export function objectStateKey(key: string, cohort: Cohort = "stable"): string {
  return cohort === "stable" ? key : `${key}@${cohort}`;
}

/** What an overlay goes by in the state. No object's key begins with `overlay:`. */
export function overlayStateKey(name: string): string {
  return `overlay:${name}`;
}
