import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EXPIRY_ORDER, expiryLevel, type ExpiryRule } from "./expiry.ts";

const DAY = 86_400_000;
const HOUR = 3_600_000;

describe("the level of a certificate that ends", () => {
  it("is ok until its renewal is late, of each kind by its own measure", () => {
    const at = (kind: ExpiryRule, life: number, left: number) =>
      expiryLevel(kind, { notBefore: 0, notAfter: life }, life - left);
    expect(at("root", 3650 * DAY, 91 * DAY)).toBe("ok");
    expect(at("root", 3650 * DAY, 89 * DAY)).toBe("warning");
    expect(at("intermediate", 365 * DAY, 61 * DAY)).toBe("ok");
    expect(at("intermediate", 365 * DAY, 13 * DAY)).toBe("critical");
    // Renewed when 3.5 of 7 days are over.
    expect(at("agent", 7 * DAY, 3.4 * DAY)).toBe("ok");
    expect(at("agent", 7 * DAY, 2 * DAY)).toBe("warning");
    expect(at("agent", 7 * DAY, 0.5 * DAY)).toBe("critical");
    // Renewed when 15 to 18 of 24 hours are over.
    expect(at("leaf", 24 * HOUR, 6 * HOUR)).toBe("ok");
    expect(at("leaf", 24 * HOUR, 4 * HOUR)).toBe("warning");
    expect(at("leaf", 24 * HOUR, 1 * HOUR)).toBe("critical");
    expect(at("leaf", 24 * HOUR, 0)).toBe("expired");
    // Renewed by the plane when 6 to 10 of 24 hours are over.
    expect(at("direct", 24 * HOUR, 13 * HOUR)).toBe("ok");
    expect(at("direct", 24 * HOUR, 11 * HOUR)).toBe("warning");
    expect(at("direct", 24 * HOUR, 4 * HOUR)).toBe("critical");
  });

  it("never gets better while time passes", () => {
    const kind = fc.constantFrom<ExpiryRule>("root", "intermediate", "agent", "leaf", "direct");
    const time = fc.integer({ min: 0, max: 4_000 * DAY });
    fc.assert(
      fc.property(kind, fc.integer({ min: 1, max: 3_650 * DAY }), time, time, (of, life, a, b) => {
        const level = (now: number) => expiryLevel(of, { notBefore: 0, notAfter: life }, now);
        const [early, late] = [Math.min(a, b), Math.max(a, b)].map(level);
        expect(EXPIRY_ORDER.indexOf(late!)).toBeGreaterThanOrEqual(EXPIRY_ORDER.indexOf(early!));
      }),
    );
  });
});
