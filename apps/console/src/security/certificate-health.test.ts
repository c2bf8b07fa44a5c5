import { expect, test } from "vitest";
import { leftText } from "./certificate-health.ts";

const NOW = Date.parse("2026-11-30T12:00:00Z");

test.each([
  ["2026-12-10T12:00:00Z", "10 d"],
  ["2026-12-01T12:00:00Z", "24 h"],
  ["2026-11-30T13:10:00Z", "70 min"],
  ["2026-11-30T12:00:20Z", "1 min"],
  ["2026-11-30T12:00:00Z", "over"],
])("until %s there is left: %s", (notAfter, text) => expect(leftText(notAfter, NOW)).toBe(text));
