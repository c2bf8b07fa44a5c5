import { describe, expect, test } from "vitest";
import {
  describeRange,
  draggedRange,
  parseRange,
  rangeSearch,
  resolveRange,
  shiftRange,
  stepSeconds,
  toggleLive,
} from "./range.ts";

const now = Date.parse("2026-11-23T14:30:00Z");

describe("time range", () => {
  test("is the last 15 minutes where the URL says nothing, and is written as nothing", () => {
    const range = parseRange({});
    expect(range).toEqual({ kind: "live", minutes: 15 });
    expect(rangeSearch(range)).toEqual({ range: undefined, from: undefined, to: undefined });
  });

  test("survives the way through the URL", () => {
    for (const range of [
      { kind: "live", minutes: 45 } as const,
      { kind: "live", minutes: 180 } as const,
      { kind: "live", minutes: 10_080 } as const,
      { kind: "fixed", from: now - 90_000, to: now } as const,
    ]) {
      expect(parseRange(rangeSearch(range))).toEqual(range);
    }
  });

  test("falls back to the default on nonsense, on an empty range and on a reversed one", () => {
    const fallback = { kind: "live", minutes: 15 };
    expect(parseRange({ range: "soon" })).toEqual(fallback);
    expect(parseRange({ range: "0m" })).toEqual(fallback);
    expect(parseRange({ from: "2026-11-23T14:30:00Z", to: "2026-11-23T14:00:00Z" })).toEqual(
      fallback,
    );
    expect(parseRange({ from: "yesterday", to: "today" })).toEqual(fallback);
  });

  test("holds still when paused and keeps its length when live again", () => {
    const paused = toggleLive({ kind: "live", minutes: 60 }, now);
    expect(resolveRange(paused, now + 600_000)).toEqual({ from: now - 3_600_000, to: now });
    expect(toggleLive(paused, now)).toEqual({ kind: "live", minutes: 60 });
  });

  test("steps back by half and goes live at the present", () => {
    const back = shiftRange({ kind: "live", minutes: 10 }, -1, now);
    expect(back).toEqual({ kind: "fixed", from: now - 900_000, to: now - 300_000 });
    expect(shiftRange(back, 1, now)).toEqual({ kind: "live", minutes: 10 });
  });

  test("takes a drag in either direction, but not a click", () => {
    expect(draggedRange(now, now - 60_000)).toEqual({ kind: "fixed", from: now - 60_000, to: now });
    expect(draggedRange(now, now + 400)).toBeUndefined();
  });

  test("is said in words", () => {
    expect(describeRange({ kind: "live", minutes: 60 }, now)).toBe("last 1 hour");
    expect(describeRange({ kind: "fixed", from: now - 86_400_000, to: now }, now)).toMatch(
      /^22 Nov .+ – /,
    );
  });

  test("asks for about 120 points, whatever its length", () => {
    for (const minutes of [5, 15, 60, 720]) {
      const points = (minutes * 60) / stepSeconds({ from: now - minutes * 60_000, to: now });
      expect(points).toBeGreaterThan(35);
      expect(points).toBeLessThanOrEqual(120);
    }
  });
});
