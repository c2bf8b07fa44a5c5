import { describe, expect, it } from "vitest";
import { held, isHeldByAnother, observe, released } from "./lease.ts";

const HOUR = 3_600_000;
const other = (wall: number) => held({}, "other", 15_000, wall);

describe("the lease of a leader", () => {
  it("lasts by the time at which its record was first seen, whatever the holder's clock says", () => {
    for (const wall of [0, HOUR, Date.now() - HOUR, Date.now() + HOUR]) {
      const first = observe(undefined, other(wall), 1_000);
      const again = observe(first, other(wall), 9_000);
      expect(again.at).toBe(1_000);
      expect(isHeldByAnother(again, "me", 15_999)).toBe(true);
      expect(isHeldByAnother(again, "me", 16_000)).toBe(false);
      const renewed = observe(again, other(wall + 1), 12_000);
      expect(isHeldByAnother(renewed, "me", 26_999)).toBe(true);
    }
  });

  it("counts who has held it, and is kept without a transition", () => {
    const mine = held({}, "me", 15_000, 0);
    expect(mine).toMatchObject({ leaseTransitions: 0, leaseDurationSeconds: 15 });
    const kept = held(mine, "me", 15_000, 5_000);
    expect(kept).toMatchObject({ leaseTransitions: 0, acquireTime: mine.acquireTime });
    expect(kept.renewTime).toBe("1970-01-01T00:00:05.000000Z");
    expect(held(kept, "other", 15_000, 6_000).leaseTransitions).toBe(1);
  });

  it("is anybody's as soon as it was given back", () => {
    const free = observe(undefined, released(other(0), 0), 1_000);
    expect(isHeldByAnother(free, "me", 1_000)).toBe(false);
    expect(held(free.spec, "me", 15_000, 0).leaseTransitions).toBe(1);
  });
});
