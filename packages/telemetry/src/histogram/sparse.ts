/** Histograms as a list of the buckets that hold something, each with both its ends: the form in which they are stored and summed. */

import type { ExplicitHistogram } from "../records.ts";

export interface Bucket {
  /** Exclusive; 0 for the first bucket of positive bounds. */
  lower: number;
  /** Inclusive; infinite for the last one. */
  upper: number;
  count: number;
}

/** The buckets of a histogram that hold something. */
export function toBuckets({
  bounds,
  counts,
}: Pick<ExplicitHistogram, "bounds" | "counts">): Bucket[] {
  return counts.flatMap((count, index) => {
    const upper = bounds[index] ?? Infinity;
    const lower = index === 0 ? Math.min(0, upper) : bounds[index - 1]!;
    return count > 0 ? [{ lower, upper, count }] : [];
  });
}

/** As `explicitQuantile`: linear inside a bucket, the lower end of the last one; null without observations. Equal buckets count together. */
export function sparseQuantile(buckets: readonly Bucket[], q: number): number | null {
  const sorted = merged(buckets);
  const total = sorted.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return null;
  const rank = Math.min(1, Math.max(0, q)) * total;
  let below = 0;
  for (const { lower, upper, count } of sorted) {
    if (below + count >= rank)
      return upper === Infinity ? lower : lower + (upper - lower) * ((rank - below) / count);
    below += count;
  }
  return sorted.at(-1)!.lower;
}

function merged(buckets: readonly Bucket[]): Bucket[] {
  const sorted = buckets
    .filter(({ count }) => count > 0)
    .sort((a, b) => a.upper - b.upper || a.lower - b.lower);
  const result: Bucket[] = [];
  for (const bucket of sorted) {
    const last = result.at(-1);
    if (last && last.upper === bucket.upper && last.lower === bucket.lower)
      last.count += bucket.count;
    else result.push({ ...bucket });
  }
  return result;
}
