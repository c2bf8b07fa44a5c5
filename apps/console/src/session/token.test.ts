import { expect, test } from "vitest";
import { tokenInHash } from "./token.ts";

test("the token is read from a fragment, whatever stands beside it", () => {
  expect(tokenInHash("#token=hdl_abc")).toBe("hdl_abc");
  expect(tokenInHash("#a=1&token=hdl_abc&b=2")).toBe("hdl_abc");
});

test("an empty or missing token is none", () => {
  expect(tokenInHash("#token=")).toBeUndefined();
  expect(tokenInHash("#token=%20")).toBeUndefined();
  expect(tokenInHash("")).toBeUndefined();
  expect(tokenInHash("#top")).toBeUndefined();
});
