/** Explicit-bucket histograms: cumulative counts to plain ones, sums and quantiles. */

import type { ExplicitHistogram } from "../records.ts";

/** From cumulative counts per upper bound, as Prometheus has them; the bound +Inf may be left out where `count` is told. */
export function fromCumulative(
  cumulative: readonly { bound: number; count: number }[],
  count: number,
  sum: number,
): ExplicitHistogram {
  const sorted = cumulative
    .filter(({ bound }) => bound !== Infinity)
    .sort((a, b) => a.bound - b.bound);
  let below = 0;
  const counts: number[] = [];
  for (const bucket of sorted) {
    counts.push(Math.max(0, bucket.count - below));
    below = Math.max(below, bucket.count);
  }
  counts.push(Math.max(0, count - below));
  return { bounds: sorted.map(({ bound }) => bound), counts, count, sum };
}

/**
 * The sum of two histograms. Where their bounds differ the result has the bounds of both; a count that can't be told to either side of a
 * new bound stays with its own upper bound, so cumulative counts at bounds that both had are exact.
 */
export function mergeExplicit(a: ExplicitHistogram, b: ExplicitHistogram): ExplicitHistogram {
  const totals = { count: a.count + b.count, sum: a.sum + b.sum };
  if (
    a.bounds.length === b.bounds.length &&
    a.bounds.every((bound, index) => bound === b.bounds[index])
  ) {
    return {
      bounds: a.bounds,
      counts: a.counts.map((count, index) => count + (b.counts[index] ?? 0)),
      ...totals,
    };
  }
  const byBound = new Map<number, number>();
  for (const histogram of [a, b]) {
    histogram.counts.forEach((count, index) => {
      const bound = histogram.bounds[index] ?? Infinity;
      byBound.set(bound, (byBound.get(bound) ?? 0) + count);
    });
  }
  byBound.set(Infinity, byBound.get(Infinity) ?? 0);
  const bounds = [...byBound.keys()].sort((left, right) => left - right);
  return {
    bounds: bounds.slice(0, -1),
    counts: bounds.map((bound) => byBound.get(bound)!),
    ...totals,
  };
}

/**
 * The value below which the share `q` (0 to 1) of observations lies, by linear interpolation inside its bucket; null without observations.
 * As Prometheus's histogram_quantile: the first bucket starts at 0, and a rank in the last one answers the highest bound.
 */
export function explicitQuantile(
  histogram: Pick<ExplicitHistogram, "bounds" | "counts">,
  q: number,
): number | null {
  let total = 0;
  for (const count of histogram.counts) total += count;
  if (total <= 0) return null;
  const rank = Math.min(1, Math.max(0, q)) * total;
  let below = 0;
  for (let index = 0; index < histogram.bounds.length; index++) {
    const count = histogram.counts[index]!;
    if (count > 0 && below + count >= rank) {
      const upper = histogram.bounds[index]!;
      const lower = index === 0 ? Math.min(0, upper) : histogram.bounds[index - 1]!;
      return lower + (upper - lower) * ((rank - below) / count);
    }
    below += count;
  }
  return histogram.bounds.at(-1) ?? null;
}
