import fc from "fast-check";
import { expect, test } from "vitest";
import { regexError, regexSize } from "./re2.ts";

test.each([
  "^/api/v[0-9]+/.*$",
  "(?i)abc",
  "(?P<name>a|b)",
  "(?:a|b)*?",
  "a{2,5}",
  "a{",
  "[[:alpha:]_-]",
  "[]a]",
  "[^]]",
  "\\pL\\p{Greek}\\x{10FFFF}",
  "\\Qa.b\\E",
  "\\bword\\b",
  "a|",
  "(?s:.)",
  "^(.*?;)?(user=jason)(;.*)?$",
  "\\d+\\.\\d+",
  "((a{10}){10}){10}",
  "(a{1000}|(b{3})*c{1000}){1}",
])("takes %s", (pattern) => expect(regexError(pattern)).toBeUndefined());

test.each([
  ["", "empty"],
  ["(a", "missing )"],
  ["a)", "unexpected )"],
  ["[a", "missing ]"],
  ["*a", "nothing to repeat"],
  ["a**", "bad repetition"],
  ["(?=a)", "RE2 has no (?="],
  ["(?!a)", "RE2 has no (?!"],
  ["(?<=a)b", "RE2 has no (?<="],
  ["(a)\\1", "references back"],
  ["a\\", "backslash"],
  ["[z-a]", "bad range"],
  ["a{1001}", "repeat count"],
  ["((a{10}){10}){11}", "1000 at most in all"],
  ["(a|(b{501})*){2,}", "1000 at most in all"],
  ["[[:nope:]]", "no such character class"],
  ["\\Z", "RE2 has no \\Z"],
  ["a".repeat(1025), "1024 at most"],
  ["(".repeat(500), "nested too deeply"],
])("refuses %j", (pattern, reason) => expect(regexError(pattern)).toContain(reason));

test("answers for any text and never throws", () => {
  const bits = fc.constantFrom(
    "a",
    "(",
    ")",
    "[",
    "]",
    "*",
    "?",
    "{1,2}",
    "\\",
    "|",
    "^",
    ":",
    "-",
  );
  fc.assert(
    fc.property(fc.array(bits, { maxLength: 40 }), (parts) => {
      const wrong = regexError(parts.join(""));
      expect(wrong === undefined || wrong.length > 0).toBe(true);
    }),
  );
});

test.each([
  ["abc", 3],
  ["a{3}", 3],
  ["(?:ab){2,10}c", 31],
  ["a{1,30}{1,2}", undefined],
  ["(a{1,30}){1,30}", 930],
  ["\\w{1,100}", 100],
])("%s takes %s steps", (pattern, size) => {
  if (size === undefined) expect(regexError(pattern)).toBeDefined();
  else expect(regexSize(pattern)).toBe(size);
});
