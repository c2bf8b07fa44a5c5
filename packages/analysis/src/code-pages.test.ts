import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { allCodes, codePages, isOurs } from "./code-pages.ts";

const folder = join(import.meta.dirname, "../../../docs/codes");
const sources = ["packages/model/src", "packages/analysis/src"].map((path) =>
  join(import.meta.dirname, "../../..", path),
);

test("every code has its page, as the tables have it", () => {
  const pages = codePages();
  for (const [name, text] of pages) {
    expect(readFileSync(join(folder, name), "utf8"), name).toBe(text);
  }
  expect(readdirSync(folder).filter(isOurs).toSorted()).toEqual([...pages.keys()].toSorted());
});

test("every code that is used is in the tables, and every one in the tables is used", () => {
  const used = new Set<string>();
  for (const source of sources) {
    for (const name of readdirSync(source, { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".ts") || name.endsWith(".test.ts") || name.endsWith("codes.ts")) continue;
      const text = readFileSync(join(source, name), "utf8");
      for (const [code] of text.matchAll(/(?<=")(?:HDL|IST)\d{4}(?=")/g)) used.add(code);
    }
  }
  expect([...used].toSorted()).toEqual(allCodes().map(([code]) => code));
});

test("says of every code why and what to do", () => {
  for (const [code, { title, why, example, remedy }] of allCodes()) {
    for (const text of [title, why, example, remedy]) expect(text.length, code).toBeGreaterThan(5);
  }
});
