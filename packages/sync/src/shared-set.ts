/** A cluster's items as they come in parts: a change from one version to the next, or all of them. */

import { partsOf } from "./frame-parts.ts";
import type { SharedItem } from "./shared-item.ts";

/** All that is known of what a cluster shares. */
export interface SharedSet {
  /** The version that `items` are; undefined while parts of one are missing. */
  readonly version: string | undefined;
  readonly items: ReadonlyMap<string, SharedItem>;
  /** What has come of a version that is not yet whole. */
  readonly pending: Pending | undefined;
}

interface Pending {
  readonly version: string;
  /** Number of the part that comes next. */
  readonly next: number;
  readonly items: ReadonlyMap<string, SharedItem>;
}

/** A part of a change, or of the whole where it does not say from what. */
export interface SharedPart {
  readonly from?: string | undefined;
  readonly version: string;
  readonly part: number;
  readonly parts: number;
  readonly upserted: readonly SharedItem[];
  readonly removed: readonly string[];
}

export const nothingShared: SharedSet = {
  version: undefined,
  items: new Map(),
  pending: undefined,
};

/**
 * The set after a part. `lost`: with the last part it is clear that something before it is missing, and all has to come
 * again; what was known stays until it does.
 */
export function withPart(set: SharedSet, part: SharedPart): readonly [SharedSet, lost: boolean] {
  const last = part.part === part.parts - 1;
  const begun = part.part === 0 ? begin(set, part) : continued(set, part);
  if (!begun) return [{ ...set, pending: undefined }, last];
  const items = new Map(begun);
  for (const key of part.removed) items.delete(key);
  for (const item of part.upserted) items.set(item.key, item);
  if (last) return [{ version: part.version, items, pending: undefined }, false];
  const pending = { version: part.version, next: part.part + 1, items };
  return [{ ...set, pending }, false];
}

/** What the first part is laid over; undefined where that is not there. */
function begin(set: SharedSet, { from }: SharedPart): ReadonlyMap<string, SharedItem> | undefined {
  if (from === undefined) return new Map();
  return from === set.version ? set.items : undefined;
}

function continued({ pending }: SharedSet, { version, part }: SharedPart) {
  return pending?.version === version && pending.next === part ? pending.items : undefined;
}

/** All items, in parts of which each fits into a frame; one part without any where there are none. */
export function wholeInParts(items: readonly SharedItem[], version: string): WholePart[] {
  const parts = partsOf(items);
  if (parts.length === 0) parts.push([]);
  return parts.map((upserted, part) => ({
    ...{ version, part, parts: parts.length, upserted, removed: [] },
  }));
}

/** As frames have it. */
type WholePart = Omit<SharedPart, "from" | "upserted" | "removed"> & {
  readonly upserted: SharedItem[];
  readonly removed: string[];
};

/** What differs, by key; undefined: gone. */
export function differenceOf(
  before: ReadonlyMap<string, SharedItem>,
  after: ReadonlyMap<string, SharedItem>,
): Map<string, SharedItem | undefined> {
  const changed = new Map<string, SharedItem | undefined>();
  if (before === after) return changed;
  for (const key of before.keys()) if (!after.has(key)) changed.set(key, undefined);
  for (const [key, item] of after) {
    const known = before.get(key);
    if (known !== item && JSON.stringify(known) !== JSON.stringify(item)) changed.set(key, item);
  }
  return changed;
}
