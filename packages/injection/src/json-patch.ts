/** The difference of two JSON values as operations of RFC 6902. */
import { isFields } from "@heddle/model";
import { deepEqual } from "@heddle/translate";

export interface PatchOperation {
  readonly op: "add" | "remove" | "replace";
  /** RFC 6901. */
  readonly path: string;
  readonly value?: unknown;
}

/**
 * Objects are compared field by field. Of lists what both begin with and end with stays, and what is between is replaced, so
 * that a container put in front of others is one operation.
 */
export function difference(before: unknown, after: unknown, path = ""): readonly PatchOperation[] {
  if (isFields(before) && isFields(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => {
      const at = `${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      const gone = after[name] === undefined;
      if (before[name] === undefined)
        return gone ? [] : [{ op: "add", path: at, value: after[name] }];
      return gone ? [{ op: "remove", path: at }] : difference(before[name], after[name], at);
    });
  }
  if (Array.isArray(before) && Array.isArray(after)) return listDifference(before, after, path);
  return deepEqual(before, after) ? [] : [{ op: "replace", path, value: after }];
}

function listDifference(
  before: readonly unknown[],
  after: readonly unknown[],
  path: string,
): readonly PatchOperation[] {
  const most = Math.min(before.length, after.length);
  let first = 0;
  while (first < most && deepEqual(before[first], after[first])) first++;
  let last = 0;
  while (last < most - first && deepEqual(before.at(-1 - last), after.at(-1 - last))) last++;
  const old = before.slice(first, before.length - last);
  const made = after.slice(first, after.length - last);
  const both = Math.min(old.length, made.length);
  // Items change in place first; then places are added or removed behind them, from the end on.
  return [
    ...Array.from({ length: both }, (_, index) =>
      difference(old[index], made[index], `${path}/${first + index}`),
    ).flat(),
    ...Array.from({ length: old.length - both }, (_, index): PatchOperation => ({
      op: "remove",
      path: `${path}/${first + old.length - 1 - index}`,
    })),
    ...made.slice(both).map((value, index): PatchOperation => ({
      op: "add",
      path: `${path}/${first + both + index}`,
      value,
    })),
  ];
}
