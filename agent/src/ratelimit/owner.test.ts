import { expect, test } from "vitest";
import { ownerOf } from "./owner.ts";

const KEYS = Array.from({ length: 3000 }, (_, i) => `key-${i}`);

test("spreads keys evenly, and whatever the order of the agents alike", () => {
  const counts = new Map<string | undefined, number>();
  for (const key of KEYS) {
    const owner = ownerOf(key, ["a", "b", "c"]);
    expect(ownerOf(key, ["c", "a", "b"])).toBe(owner);
    counts.set(owner, (counts.get(owner) ?? 0) + 1);
  }
  for (const agent of ["a", "b", "c"])
    expect(Math.abs(counts.get(agent)! - 1000)).toBeLessThan(150);
});

test("an agent that goes away gives up its own keys and moves no others", () => {
  for (const key of KEYS) {
    const before = ownerOf(key, ["a", "b", "c"]);
    if (before !== "c") expect(ownerOf(key, ["a", "b"])).toBe(before);
  }
});

test("nobody counts where there is nobody", () => {
  expect(ownerOf("key", [])).toBeUndefined();
});
