/** Conditions as they stand in a cluster: with the time of their last change, and the generation that they are of. */
import { canonicalJson, type Condition, type Fields, isFields } from "@heddle/model";

/** What one write of a status is made with. */
export interface Stamp {
  readonly generation: number;
  /** RFC 3339, of conditions that change now. */
  readonly now: string;
}

/**
 * Our conditions in the place of those that were there. A condition keeps its time for as long as it says the same (True or
 * False); those of types that are nobody's of ours stay as they are.
 */
export function mergeConditions(
  before: unknown,
  wanted: readonly Condition[],
  isOurs: (type: string) => boolean,
  { generation, now }: Stamp,
): Fields[] {
  const known = (Array.isArray(before) ? before : []).filter(isFields);
  const ours = wanted.map(({ type, status, reason, message }) => {
    const last = known.find((condition) => condition["type"] === type);
    const since = last?.["status"] === status ? last["lastTransitionTime"] : undefined;
    return {
      ...{ type, status, reason, message, observedGeneration: generation },
      lastTransitionTime: typeof since === "string" ? since : now,
    };
  });
  const types = new Set(wanted.map(({ type }) => type));
  const others = known.filter(({ type }) => !types.has(String(type)) && !isOurs(String(type)));
  return [...ours, ...others];
}

/** Whether two statuses say the same; the order of conditions says nothing. */
export function saysTheSame(a: unknown, b: unknown): boolean {
  return canonicalJson(ordered(a)) === canonicalJson(ordered(b));
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(ordered);
    const named = items.every((item) => isFields(item) && typeof item["type"] === "string");
    if (!named) return items;
    return (items as Fields[]).toSorted((x, y) => (String(x["type"]) < String(y["type"]) ? -1 : 1));
  }
  if (!isFields(value)) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, ordered(each)]));
}
