import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";

test("sorts fields, drops what is undefined, and keeps the order of lists", () => {
  expect(canonicalJson({ b: 1, a: [2, { d: "x", c: null }], e: undefined })).toBe(
    '{"a":[2,{"c":null,"d":"x"}],"b":1}',
  );
});

test("gives the same text whatever the order of fields, and JSON that reads as the value", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).toReversed());
      expect(canonicalJson(reversed)).toBe(canonicalJson(value));
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test.each([Number.NaN, Infinity, () => 0, 1n])("refuses %s", (value) => {
  expect(() => canonicalJson({ value })).toThrow(TypeError);
});
