import type { LogLine } from "@heddle/client";
import { expect, test } from "vitest";
import { mergeLines } from "./tail-buffer.ts";

function line(second: number, path = "/"): LogLine {
  const end = { workload: "w", namespace: "n", service: "s" };
  return {
    time: `2026-11-23T14:00:0${second}Z`,
    severity: "INFO",
    body: "",
    source: end,
    destination: end,
    reporter: "source",
    method: "GET",
    path,
    status: 200,
    flags: "",
    durationMs: 1,
    traceId: "",
    attributes: {},
  };
}

const times = (lines: readonly LogLine[]) => lines.map((each) => each.time.slice(17, 19));

test("keeps order, whatever the order of arrival", () => {
  const lines = mergeLines(mergeLines([], [line(3), line(1)]), [line(2), line(4)]);
  expect(times(lines)).toEqual(["01", "02", "03", "04"]);
});

test("history that is read again adds nothing, and the list stays the same one", () => {
  const lines = mergeLines([], [line(1), line(2)]);
  expect(mergeLines(lines, [line(2), line(1)])).toBe(lines);
  expect(mergeLines(lines, [line(2, "/other")])).toHaveLength(3);
});

test("drops the oldest beyond the bound", () => {
  expect(times(mergeLines([], [line(1), line(2), line(3)], 2))).toEqual(["02", "03"]);
});
