/** Keys that were opened lately, by what they are sealed as: imported once, and for no longer than somebody may use them unasked. */
import type { Clock } from "../deps.ts";

/** Milliseconds. Then the envelope is asked again, which knows how long its own key may be used. */
const KEPT_OPEN = 60_000;

/**
 * What `open` makes is kept by `sealed`. Only results are kept, never what is under way: in workerd a request that is broken off
 * would leave others waiting.
 */
export function keptOpen<T>(clock: Clock) {
  const kept = new Map<string, { readonly value: T; readonly until: number }>();
  return async (sealed: string, open: () => Promise<T>): Promise<T> => {
    const now = clock();
    const found = kept.get(sealed);
    if (found && found.until > now) return found.value;
    const value = await open();
    for (const [key, { until }] of kept) if (until <= now) kept.delete(key);
    kept.set(sealed, { value, until: now + KEPT_OPEN });
    return value;
  };
}
