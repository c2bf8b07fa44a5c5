import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DiffLine, diffCounts, diffLines } from "./lines.ts";

const show = (lines: DiffLine[]) =>
  lines.map((line) =>
    line.kind === "gap"
      ? `… ${line.count}`
      : `${{ same: " ", added: "+", removed: "-" }[line.kind]}${line.text}`,
  );

describe("line diff", () => {
  test("shows what changed with its surroundings, and cuts the rest short", () => {
    const before = "a\nb\nc\nd\ne\nf\ng\nh\n";
    expect(show(diffLines(before, before.replace("g", "G"), 1))).toEqual([
      "… 5",
      " f",
      "-g",
      "+G",
      " h",
    ]);
  });

  test("numbers lines on both sides", () => {
    expect(diffLines("a\nb", "x\na\nb", 9)).toEqual([
      { kind: "added", text: "x", before: undefined, after: 1 },
      { kind: "same", text: "a", before: 1, after: 2 },
      { kind: "same", text: "b", before: 2, after: 3 },
    ]);
  });

  test("a created text is all added, a deleted one all removed, an equal one only a gap", () => {
    expect(show(diffLines(null, "a\nb\n"))).toEqual(["+a", "+b"]);
    expect(show(diffLines("a\nb\n", null))).toEqual(["-a", "-b"]);
    expect(show(diffLines("a\nb", "a\nb"))).toEqual(["… 2"]);
    expect(diffLines(null, null)).toEqual([]);
  });

  test("applied to the first text it gives the second, in the fewest lines", () => {
    const text = fc.array(fc.constantFrom("a", "b", "c", ""), { maxLength: 12 });
    fc.assert(
      fc.property(text, text, (before, after) => {
        const lines = diffLines(before.join("\n"), after.join("\n"), 99);
        const side = (kind: "added" | "removed") =>
          lines.flatMap((line) => (line.kind === "same" || line.kind === kind ? [line.text] : []));
        const split = (all: string[]) =>
          all.join("\n") === "" ? [] : all.join("\n").replace(/\n$/, "").split("\n");
        // Of equal texts nothing is shown but the number of their lines.
        if (JSON.stringify(split(before)) === JSON.stringify(split(after))) {
          expect(lines.every((line) => line.kind === "gap")).toBe(true);
          return;
        }
        expect(side("removed")).toEqual(split(before));
        expect(side("added")).toEqual(split(after));
        expect(diffCounts(lines).added - diffCounts(lines).removed).toBe(
          split(after).length - split(before).length,
        );
      }),
    );
  });
});
