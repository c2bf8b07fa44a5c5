import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { durationOf, millisecondsToProto, parseDuration, protoDuration } from "./duration.ts";

describe("durations", () => {
  test.each([
    ["0", 0],
    ["5s", 5000],
    ["250ms", 250],
    ["1h30m", 5_400_000],
    ["1.5s", 1500],
    ["1m0.5s", 60_500],
    [".5s", 500],
    ["-1s", -1000],
    ["1us", 0.001],
  ])("reads %s", (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));

  test.each(["", "5", "s", "5 s", "5s5", "1d", "abc", "5S", "1..5s"])("refuses %j", (text) => {
    expect(durationOf(text)).toBeUndefined();
    expect(() => parseDuration(text)).toThrow(RangeError);
  });

  test.each([
    ["5s", "5s"],
    ["250ms", "0.250s"],
    ["1h", "3600s"],
    ["-250ms", "-0.250s"],
    ["1us", "0.000001s"],
  ])("writes %s as protobuf's %s", (text, proto) => expect(protoDuration(text)).toBe(proto));

  test("what is written reads as what was meant", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e9, max: 1e9 }), (milliseconds) => {
        expect(parseDuration(millisecondsToProto(milliseconds))).toBeCloseTo(milliseconds, 6);
      }),
    );
  });
});
