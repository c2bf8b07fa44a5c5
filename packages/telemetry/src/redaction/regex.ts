/**
 * Regular expressions of users, in RE2's syntax and by an engine of its kind: time grows with the text and not with what can be tried,
 * unlike that of JavaScript's own.
 */
import { RE2JS } from "re2js";
import type { Range } from "./range.ts";

/** Of a longer text the rest is not read, and taken away. */
export const MAX_REGEX_TEXT = 64 * 1024;
/** Steps of a program; validation of the rule knows of fewer. */
const MAX_PROGRAM = 5000;

/** Finds what matches until `late` says that time is over: the rest of the text is then found too. */
export type RegexFinder = (text: string, late: () => boolean) => { ranges: Range[]; read: boolean };

/** Throws an Error that says why where the pattern cannot be used. */
export function regexFinder(pattern: string): RegexFinder {
  const regex = RE2JS.compile(pattern);
  if (regex.programSize() > MAX_PROGRAM)
    throw new Error(`it has ${regex.programSize()} steps (${MAX_PROGRAM} at most)`);
  return (whole, late) => {
    const ranges: Range[] = [];
    const rest = (start: number) => {
      if (start < whole.length) ranges.push({ start, end: whole.length });
      return { ranges, read: start >= whole.length };
    };
    if (late()) return rest(0);
    const text = whole.slice(0, MAX_REGEX_TEXT);
    if (regex.test(text)) {
      const matcher = regex.matcher(text);
      while (matcher.find()) {
        const [start, end] = [matcher.start(), matcher.end()];
        // What is not there cannot be taken away.
        if (end > start) ranges.push({ start, end });
        if (late()) return rest(end);
      }
    }
    return rest(text.length);
  };
}
