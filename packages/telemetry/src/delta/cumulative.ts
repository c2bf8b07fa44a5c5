/** Cumulative metric points of any sender to increments, for senders that don't make increments themselves. */

import type { ExplicitHistogram, MetricPoint } from "../records.ts";

interface Seen {
  startNs: bigint;
  timeNs: bigint;
  value: number | ExplicitHistogram;
}

/**
 * Follows cumulative monotonic sums and histograms; gauges, deltas and the rest pass unchanged. The first point of a series is dropped
 * unless its start time is later than `sinceNs`, when nothing can have been missed. A fallen value or a new start time is a reset. At most
 * `maximumSeries` are followed; the longest unseen is forgotten first.
 */
export function createDeltas(options: {
  sinceNs: bigint;
  maximumSeries?: number;
}): (points: readonly MetricPoint[]) => MetricPoint[] {
  const maximum = options.maximumSeries ?? 100_000;
  const seen = new Map<string, Seen>();
  return (points) => points.flatMap((point) => next(point));

  function next(point: MetricPoint): MetricPoint[] {
    const { value } = point;
    const counted = (value.type === "sum" && value.monotonic) || value.type === "histogram";
    if (!counted || value.temporality === "delta") return [point];
    const current = value.type === "sum" ? value.value : value.histogram;
    const key = JSON.stringify([
      point.name,
      point.resource,
      Object.entries(point.attributes).sort(),
    ]);
    const before = seen.get(key);
    if (before && point.timeNs < before.timeNs) return [];
    seen.delete(key);
    seen.set(key, { startNs: point.startNs, timeNs: point.timeNs, value: current });
    if (seen.size > maximum) seen.delete(seen.keys().next().value!);
    if (!before && point.startNs < options.sinceNs) return [];
    const reset = !before || before.startNs !== point.startNs;
    if (value.type === "sum")
      return [
        {
          ...point,
          value: {
            ...value,
            temporality: "delta",
            value: grown(before?.value, value.value, reset),
          },
        },
      ];
    return [
      {
        ...point,
        value: {
          ...value,
          temporality: "delta",
          histogram: grownHistogram(before?.value, value.histogram, reset),
        },
      },
    ];
  }
}

function grown(before: Seen["value"] | undefined, now: number, reset: boolean): number {
  return reset || typeof before !== "number" || now < before ? now : now - before;
}

function grownHistogram(
  before: Seen["value"] | undefined,
  now: ExplicitHistogram,
  reset: boolean,
): ExplicitHistogram {
  if (
    reset ||
    typeof before !== "object" ||
    now.count < before.count ||
    before.bounds.length !== now.bounds.length
  )
    return now;
  const counts = now.counts.map((count, index) => Math.max(0, count - (before.counts[index] ?? 0)));
  return {
    bounds: now.bounds,
    counts,
    count: now.count - before.count,
    sum: Math.max(0, now.sum - before.sum),
  };
}
