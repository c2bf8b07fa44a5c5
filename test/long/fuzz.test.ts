/** The fuzz run in full; its short form is in `test/fuzz`. */
import { expect, test } from "vitest";
import { checkFuzz } from "../fuzz/check.ts";

test("100,000 mutated objects: no crash, none takes over 100 ms, every refusal has a code and a path", () => {
  expect(checkFuzz(100_000)).toBe("");
});
