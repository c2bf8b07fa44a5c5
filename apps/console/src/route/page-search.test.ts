import { expect, test } from "vitest";
import { formatQueryString, parseQueryString, readPageSearch } from "./page-search.ts";

test("state goes through the URL and back, readable on the way", () => {
  const search = {
    from: "2026-11-23T14:00:00Z",
    to: "2026-11-23T14:30:00Z",
    q: "errors > 1% path = /a?b&c",
    open: "a,b",
  };
  const text = formatQueryString(search);
  expect(text).toContain("from=2026-11-23T14:00:00Z");
  expect(readPageSearch(parseQueryString(text.slice(1)))).toEqual(search);
});

test("unknown keys and empty values are left out", () => {
  expect(readPageSearch({ q: "", evil: "1", sort: "-rate", open: 3 })).toEqual({ sort: "-rate" });
  expect(formatQueryString({ q: undefined, sort: "" })).toBe("");
});
