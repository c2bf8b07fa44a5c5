import { expect, test } from "vitest";
import { inGroups, rankMatches } from "./rank-matches.ts";

const names = ["product-reviews", "reviews", "reviews-v2", "previews", "ratings", "rare-view"];
const find = (typed: string) => rankMatches(typed, names, (name) => name);

test("the exact name comes first, then beginnings, then words, then parts, then scattered letters", () => {
  expect(find("reviews")).toEqual(["reviews", "reviews-v2", "product-reviews", "previews"]);
  expect(find("rvw")).toEqual([
    "product-reviews",
    "reviews",
    "reviews-v2",
    "previews",
    "rare-view",
  ]);
});

test("nothing typed keeps all, in order; nothing like it finds none", () => {
  expect(find(" ")).toEqual(names);
  expect(find("zzz")).toEqual([]);
});

test("groups stay together, the one with the best entry first", () => {
  const entries = ["b1", "a1", "b2", "c1", "a2"];
  expect(inGroups(entries, (entry) => entry[0]!)).toEqual(["b1", "b2", "a1", "a2", "c1"]);
});
