/**
 * A mergeable quantile sketch: OpenTelemetry's exponential histogram, which is a DDSketch (Masson, Rim, Lee, VLDB 2019) with base
 * 2^(2^-scale). The relative error of a quantile is at most (base - 1) / (base + 1).
 */

import type { ExponentialHistogram } from "../records.ts";

/** At this scale a bucket is 2.2 % wide, so a quantile is off by 1.1 % at most. */
export const defaultScale = 5;
/** Buckets kept on one side before the scale is halved; the value that OpenTelemetry's SDKs use. */
export const maximumBuckets = 160;

export function emptyExponential(scale = defaultScale): ExponentialHistogram {
  const none = { offset: 0, counts: [] };
  return { scale, zeroCount: 0, positive: none, negative: none, count: 0, sum: 0 };
}

/** A histogram of values; the scale is lowered until `maximumBuckets` hold them. */
export function exponentialOf(
  values: Iterable<number>,
  scale = defaultScale,
): ExponentialHistogram {
  const positive = new Map<number, number>();
  const negative = new Map<number, number>();
  let zeroCount = 0;
  let count = 0;
  let sum = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    count++;
    sum += value;
    if (value === 0) zeroCount++;
    else increment(value > 0 ? positive : negative, bucketIndex(Math.abs(value), scale), 1);
  }
  return fitted({ scale, zeroCount, count, sum }, positive, negative);
}

/** The sum of both at the coarser scale; the order of merging does not change the result. */
export function mergeExponential(
  a: ExponentialHistogram,
  b: ExponentialHistogram,
): ExponentialHistogram {
  const scale = Math.min(a.scale, b.scale);
  const positive = new Map<number, number>();
  const negative = new Map<number, number>();
  for (const histogram of [a, b]) {
    const shift = 2 ** (histogram.scale - scale);
    for (const [side, into] of [
      [histogram.positive, positive],
      [histogram.negative, negative],
    ] as const) {
      side.counts.forEach((count, index) =>
        increment(into, Math.floor((side.offset + index) / shift), count),
      );
    }
  }
  const totals = {
    zeroCount: a.zeroCount + b.zeroCount,
    count: a.count + b.count,
    sum: a.sum + b.sum,
  };
  return fitted({ scale, ...totals }, positive, negative);
}

/** The middle of the bucket that holds the rank; null without observations. */
export function exponentialQuantile(histogram: ExponentialHistogram, q: number): number | null {
  const { positive, negative, zeroCount, scale } = histogram;
  const total =
    zeroCount +
    positive.counts.reduce((a, b) => a + b, 0) +
    negative.counts.reduce((a, b) => a + b, 0);
  if (total === 0) return null;
  const rank = Math.min(total - 1, Math.floor(Math.min(1, Math.max(0, q)) * total));
  let below = 0;
  for (let index = negative.counts.length - 1; index >= 0; index--) {
    below += negative.counts[index]!;
    if (below > rank) return -bucketMiddle(negative.offset + index, scale);
  }
  below += zeroCount;
  if (below > rank) return 0;
  for (let index = 0; index < positive.counts.length; index++) {
    below += positive.counts[index]!;
    if (below > rank) return bucketMiddle(positive.offset + index, scale);
  }
  return null;
}

/** The index of (base^index, base^(index+1)] that holds the value. */
function bucketIndex(value: number, scale: number): number {
  return Math.ceil(Math.log2(value) * 2 ** scale) - 1;
}

/** The value with the same relative distance to both ends. */
function bucketMiddle(index: number, scale: number): number {
  const lower = 2 ** (index / 2 ** scale);
  const upper = 2 ** ((index + 1) / 2 ** scale);
  return (2 * lower * upper) / (lower + upper);
}

function increment(counts: Map<number, number>, index: number, by: number): void {
  if (by > 0) counts.set(index, (counts.get(index) ?? 0) + by);
}

type Totals = Pick<ExponentialHistogram, "scale" | "zeroCount" | "count" | "sum">;

function fitted(
  totals: Totals,
  positive: Map<number, number>,
  negative: Map<number, number>,
): ExponentialHistogram {
  let { scale } = totals;
  while (width(positive) > maximumBuckets || width(negative) > maximumBuckets) {
    positive = halved(positive);
    negative = halved(negative);
    scale--;
  }
  return { ...totals, scale, positive: dense(positive), negative: dense(negative) };
}

function width(counts: Map<number, number>): number {
  let low = Infinity;
  let high = -Infinity;
  for (const index of counts.keys()) {
    if (index < low) low = index;
    if (index > high) high = index;
  }
  return counts.size === 0 ? 0 : high - low + 1;
}

function halved(counts: Map<number, number>): Map<number, number> {
  const result = new Map<number, number>();
  for (const [index, count] of counts) increment(result, Math.floor(index / 2), count);
  return result;
}

function dense(counts: Map<number, number>): { offset: number; counts: number[] } {
  if (counts.size === 0) return { offset: 0, counts: [] };
  const offset = Math.min(...counts.keys());
  const result = new Array<number>(width(counts)).fill(0);
  for (const [index, count] of counts) result[index - offset] = count;
  return { offset, counts: result };
}
