import { expect, test } from "vitest";
import { linePath } from "./line-path.ts";

test("a line runs over the whole width, from zero at the bottom to its maximum at the top", () => {
  expect(linePath([0, 5, 10], 96, 24).line).toBe("M0.0 22.5L48.0 12.0L96.0 1.5");
});

test("a gap breaks line and area", () => {
  const { line, area } = linePath([1, null, 1, 1], 90, 24);
  expect(line.match(/M/g)).toHaveLength(2);
  expect(area.match(/Z/g)).toHaveLength(2);
});

test("zeros alone lie on the ground and nothing draws nothing", () => {
  expect(linePath([0, 0], 96, 24).line).toBe("M0.0 22.5L96.0 22.5");
  expect(linePath([], 96, 24).line).toBe("");
  expect(linePath([null], 96, 24).line).toBe("");
});
