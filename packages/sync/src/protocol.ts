/** Protocol versions and features: what the two sides agree on before anything else. */

import { SyncError } from "./sync-error.ts";

/** Versions that this code speaks, newest first. */
export const PROTOCOLS: readonly number[] = [1];

/** Agents with this feature answer the command `effect`. */
export const EFFECTS = "effects";

/** Agents with this feature answer the command `explain`. */
export const EXPLAINS = "explains";

/** Clusters of one mesh share their services with the frames `shared`, `want`, `share`, `clusters` and `elsewhere`. */
export const SHARING = "sharing";

/** Agents with this feature follow the frame `authority`, and say with one of their own what their proxies trust. */
export const AUTHORITY = "authority";

/** Features that this code has; a revision that requires another is held. */
export const FEATURES: readonly string[] = [
  "cohorts",
  "overlays",
  "inline-bundles",
  EFFECTS,
  EXPLAINS,
  SHARING,
  AUTHORITY,
];

/** The newest version that both speak. Throws `HDL7003` where there is none. */
export function negotiate(ours: readonly number[], theirs: readonly number[]): number {
  const common = ours.filter((version) => theirs.includes(version)).toSorted((a, b) => b - a)[0];
  if (common === undefined)
    throw new SyncError(
      "HDL7003",
      `This side speaks ${ours.join(", ")}, the other ${theirs.join(", ")}.`,
    );
  return common;
}

/** Features that are required and missing, sorted. */
export function missingFeatures(requires: readonly string[], has: readonly string[]): string[] {
  return requires.filter((feature) => !has.includes(feature)).toSorted();
}
