/** The difference of two texts in the unified form, with three lines of context. */
import { createTwoFilesPatch } from "diff";
import { green, red } from "./print.ts";

export function unifiedDiff(name: string, before: string, after: string): string {
  const patch = createTwoFilesPatch(
    before ? `a/${name}` : "/dev/null",
    after ? `b/${name}` : "/dev/null",
    before,
    after,
  );
  return patch
    .split("\n")
    .filter((line) => !line.startsWith("======"))
    .map((line) =>
      /^\+(?!\+\+)/.test(line) ? green(line) : /^-(?!--)/.test(line) ? red(line) : line,
    )
    .join("\n");
}
