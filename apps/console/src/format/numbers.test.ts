import { expect, test } from "vitest";
import {
  agoText,
  bytesText,
  clockText,
  countText,
  durationText,
  percentText,
  rateText,
  shortHost,
} from "./numbers.ts";

const now = Date.parse("2026-11-23T14:30:00Z");

test("a rate has at most three digits and never hides a trickle", () => {
  expect([0, 0.004, 0.42, 12.34, 432.1, 1234, 2_500_000].map(rateText)).toEqual([
    "0",
    "<0.01",
    "0.42",
    "12.3",
    "432",
    "1.23k",
    "2.5M",
  ]);
  expect(rateText(null)).toBe("–");
});

test("one failure in many never reads as 0 %, one success never as 100 %", () => {
  expect([0, 0.00001, 0.0042, 0.042, 0.5, 0.9996, 0.996, 1].map(percentText)).toEqual([
    "0%",
    "<0.01%",
    "0.42%",
    "4.2%",
    "50%",
    ">99.9%",
    "99.6%",
    "100%",
  ]);
});

test("durations run from nanoseconds to days", () => {
  expect(
    [0, 0.0004, 0.05, 0.42, 4.25, 42.4, 1240, 12_340, 185_000, 7_200_000, 90_000_000].map(
      durationText,
    ),
  ).toEqual([
    "0 ms",
    "400 ns",
    "50 µs",
    "0.4 ms",
    "4.3 ms",
    "42 ms",
    "1.24 s",
    "12.3 s",
    "3 min 5 s",
    "2 h",
    "1 d 1 h",
  ]);
  expect(durationText(null)).toBe("–");
});

test("bytes use decimal units", () => {
  expect([0, 812, 1400, 2_200_000].map(bytesText)).toEqual(["0 B", "812 B", "1.4 kB", "2.2 MB"]);
});

test("an age is coarse and an impossible time is a dash", () => {
  expect(
    [now, now - 12_000, now - 250_000, now - 9_000_000, now - 3e8].map((t) => agoText(t, now)),
  ).toEqual(["just now", "12 s ago", "4 min ago", "2 h ago", "3 d ago"]);
  expect(agoText("never", now)).toBe("–");
});

test("a clock names the day only when it is another one", () => {
  expect(clockText(now - 1000, now)).toMatch(/^\d\d:\d\d:\d\d$/);
  expect(clockText(now - 3 * 86_400_000, now)).toMatch(/^20 Nov \d\d:/);
});

test("a count agrees with its noun", () => {
  expect(countText(1, "service")).toBe("1 service");
  expect(countText(2, "proxy", "proxies")).toBe("2 proxies");
});

test("a host loses what all hosts share, wherever it stands", () => {
  expect(shortHost("GET reviews.default.svc.cluster.local:9080/reviews/0")).toBe(
    "GET reviews.default:9080/reviews/0",
  );
});
