import { expect, test } from "vitest";
import { explainFlags, flagsSentence } from "./flags.ts";

test("explains each flag of a line, in order", () => {
  expect(explainFlags("UF,URX").map((meaning) => [meaning.flag, meaning.side])).toEqual([
    ["UF", "upstream"],
    ["URX", "upstream"],
  ]);
  expect(flagsSentence("UF,URX")).toBe("could not connect to the upstream; all retries used up");
});

test("says nothing where there is no flag", () => {
  expect(explainFlags("-")).toEqual([]);
  expect(explainFlags("")).toEqual([]);
});

test("names an unknown flag instead of dropping it", () => {
  expect(explainFlags("ZZ")[0]).toMatchObject({
    flag: "ZZ",
    title: "a flag this console does not know",
  });
});

test("never explains a name of Object.prototype", () => {
  expect(explainFlags("constructor")[0]?.title).toBe("a flag this console does not know");
});
