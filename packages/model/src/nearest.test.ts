import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

test.each([
  ["timout", "timeout"],
  ["weigth", "weight"],
  ["Timeout", "timeout"],
  ["traffic_policy", "trafficPolicy"],
  ["retires", "retries"],
  ["frobnicate", undefined],
  ["", undefined],
])("takes %s for %s", (word, meant) => {
  expect(nearest(word, ["timeout", "weight", "trafficPolicy", "retries"])).toBe(meant);
});

test("of two that are equally near takes the first by name, whatever the order", () => {
  expect(nearest("cat", ["car", "bat"])).toBe("bat");
  expect(nearest("cat", ["bat", "car"])).toBe("bat");
});
