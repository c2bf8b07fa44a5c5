/** Operations of patches on a list whose items have names: filters of a chain, routes of a virtual host. */
import type { Patch } from "./compile.ts";

export interface ListEdit<T> {
  readonly patch: Patch;
  readonly items: readonly T[];
  /** Whether the patch names an item to go by; without one, INSERT_BEFORE puts first and INSERT_AFTER puts last. */
  readonly asks: boolean;
  readonly matches: (item: T) => boolean;
}

/** The list after ADD, REMOVE, REPLACE or an INSERT; the same list where the operation finds nothing to do. MERGE is not done here. */
export function editList<T>({ patch, items, asks, matches }: ListEdit<T>): readonly T[] {
  const value = patch.value as T;
  const at = asks ? items.findIndex(matches) : -1;
  switch (patch.operation) {
    case "ADD":
      return [...items, value];
    case "INSERT_FIRST":
      return [value, ...items];
    case "INSERT_BEFORE":
      if (!asks) return [value, ...items];
      return at < 0 ? items : items.toSpliced(at, 0, value);
    case "INSERT_AFTER":
      if (!asks) return [...items, value];
      return at < 0 ? items : items.toSpliced(at + 1, 0, value);
    case "REPLACE":
      return at < 0 ? items : items.map((item) => (matches(item) ? value : item));
    case "REMOVE":
      return at < 0 ? items : items.filter((item) => !matches(item));
    default:
      return items;
  }
}

/** Maps a list, and gives the same one back where no item changed; items that become undefined go. */
export function mapSame<T>(items: readonly T[], change: (item: T) => T | undefined): readonly T[] {
  let changed = false;
  const next: T[] = [];
  for (const item of items) {
    const after = change(item);
    if (after !== item) changed = true;
    if (after !== undefined) next.push(after);
  }
  return changed ? next : items;
}
