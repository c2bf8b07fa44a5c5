/** The state root: one hash for everything that a mesh holds, whichever way it was reached. */

import { sha256 } from "./digest.ts";
import type { Cohort } from "./overlay.ts";

/**
 * SHA-256 over the pairs sorted by key (UTF-16 code units), each as `key`, NUL, hash, newline. Keys come from
 * `objectStateKey` and `overlayStateKey`, hashes from `objectHash`. The empty state has a root too.
 */
export function stateRoot(pairs: Iterable<readonly [key: string, hash: string]>): Promise<string> {
  const lines = [...pairs]
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, hash]) => `${key}\0${hash}\n`);
  return sha256(lines.join(""));
}

/** What an object's value goes by in the state: its own key, marked where it is the candidate's of two values. */
export function objectStateKey(key: string, cohort: Cohort = "stable"): string {
  return cohort === "stable" ? key : `${key}@${cohort}`;
}

/** What an overlay goes by in the state. No object's key begins with `overlay:`. */
export function overlayStateKey(name: string): string {
  return `overlay:${name}`;
}
