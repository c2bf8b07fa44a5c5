import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  explicitQuantile,
  exponentialOf,
  exponentialQuantile,
  fromCumulative,
  mergeExplicit,
  mergeExponential,
  sparseQuantile,
  toBuckets,
  type ExplicitHistogram,
} from "../index.ts";

const bounds = [1, 5, 10, 100];

function explicitOf(values: readonly number[]): ExplicitHistogram {
  const counts = new Array<number>(bounds.length + 1).fill(0);
  for (const value of values)
    counts[bounds.findIndex((bound) => value <= bound) + (value > 100 ? bounds.length + 1 : 0)]!++;
  return { bounds, counts, count: values.length, sum: values.reduce((a, b) => a + b, 0) };
}

describe("explicit histograms", () => {
  test("cumulative counts become plain ones", () => {
    const cumulative = [
      { bound: 5, count: 4 },
      { bound: 1, count: 1 },
      { bound: Infinity, count: 6 },
    ];
    expect(fromCumulative(cumulative, 6, 30)).toEqual({
      bounds: [1, 5],
      counts: [1, 3, 2],
      count: 6,
      sum: 30,
    });
  });

  test("a quantile is interpolated inside its bucket, and the last bucket answers the highest bound", () => {
    expect(explicitQuantile({ bounds: [10, 20], counts: [5, 5, 0] }, 0.75)).toBe(15);
    expect(explicitQuantile({ bounds: [10, 20], counts: [0, 0, 4] }, 0.5)).toBe(20);
    expect(explicitQuantile({ bounds: [10], counts: [0, 0] }, 0.5)).toBeNull();
  });

  test("a quantile lies in the bucket of the true one, and merging equals counting together", () => {
    const values = fc.array(fc.double({ min: 0.001, max: 100, noNaN: true }), {
      minLength: 1,
      maxLength: 50,
    });
    fc.assert(
      fc.property(values, values, fc.double({ min: 0.01, max: 1, noNaN: true }), (a, b, q) => {
        const merged = mergeExplicit(explicitOf(a), explicitOf(b));
        expect(merged.counts).toEqual(explicitOf([...a, ...b]).counts);
        const sorted = [...a, ...b].sort((x, y) => x - y);
        const exact = sorted[Math.max(0, Math.ceil(q * sorted.length - 1e-9) - 1)]!;
        const bucket = bounds.findIndex((bound) => exact <= bound);
        const answer = explicitQuantile(merged, q)!;
        expect(
          sparseQuantile([...toBuckets(explicitOf(a)), ...toBuckets(explicitOf(b))], q),
        ).toBeCloseTo(answer, 6);
        expect(answer).toBeGreaterThanOrEqual((bounds[bucket - 1] ?? 0) - 1e-9);
        expect(answer).toBeLessThanOrEqual(bounds[bucket]! + 1e-9);
      }),
    );
  });

  test("different bounds merge to the bounds of both, and lose no count", () => {
    const merged = mergeExplicit(
      { bounds: [1, 10], counts: [1, 2, 3], count: 6, sum: 6 },
      { bounds: [5, 10], counts: [4, 5, 6], count: 15, sum: 9 },
    );
    expect(merged).toEqual({ bounds: [1, 5, 10], counts: [1, 4, 7, 9], count: 21, sum: 15 });
  });
});

describe("exponential histograms", () => {
  const positive = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), {
    minLength: 1,
    maxLength: 100,
  });

  test("a quantile is within the relative error of the scale", () => {
    fc.assert(
      fc.property(positive, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const sketch = exponentialOf(values);
        const base = 2 ** (2 ** -sketch.scale);
        const sorted = values.toSorted((a, b) => a - b);
        const exact = sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
        expect(Math.abs(exponentialQuantile(sketch, q)! - exact) / exact).toBeLessThanOrEqual(
          (base - 1) / (base + 1) + 1e-9,
        );
      }),
    );
  });

  test("merging equals sketching together, in any order", () => {
    const any = fc.array(
      fc.oneof(fc.double({ min: -1e4, max: 1e4, noNaN: true }), fc.constant(0)),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(any, any, (a, b) => {
        const merged = mergeExponential(exponentialOf(a), exponentialOf(b));
        const together = exponentialOf([...a, ...b], merged.scale);
        expect({ ...merged, sum: 0 }).toEqual({ ...together, sum: 0 });
        expect({ ...mergeExponential(exponentialOf(b), exponentialOf(a)), sum: 0 }).toEqual({
          ...merged,
          sum: 0,
        });
      }),
    );
  });
});
