import { kinds, parseObject } from "@heddle/model";
import { expect, test } from "vitest";
import { checkFuzz } from "./check.ts";
import { seedObjects } from "./run.ts";

test("there is a valid object of every kind to begin with", () => {
  const there = new Set(
    seedObjects().map((value) => {
      const { apiVersion, kind } = value as { apiVersion: string; kind: string };
      const slash = apiVersion.indexOf("/");
      return `${slash < 0 ? "core" : apiVersion.slice(0, slash)}/${kind}`;
    }),
  );
  const missing = kinds.map(({ group, kind }) => `${group}/${kind}`).filter((k) => !there.has(k));
  expect(missing).toEqual([]);
  // What is not yet in effect is told of, and is valid all the same.
  const refused = seedObjects()
    .flatMap((value) => parseObject(value).diagnostics)
    .filter(({ level, code }) => level === "Error" && code !== "HDL0009" && code !== "HDL0016");
  expect(refused).toEqual([]);
});

test(
  "3,000 mutated objects: no crash, none takes over 100 ms, every refusal has a code and a path",
  () => {
    expect(checkFuzz(3000)).toBe("");
  },
  // A few seconds of work; a machine that is shared takes several times that.
  180_000,
);
