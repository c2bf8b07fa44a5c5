/** Every code that stands in the source has a page, and every page is of a code that does. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const ROOMS = ["packages", "apps", "agent", "infra", "test"];
/** Folders of what is built, fetched or generated, or text of others. */
const NOT_SOURCE = /^(?:node_modules|dist|gen|fixtures|testdata|\..+)$/;

it("has a page in docs/codes for every HDL code of the source, and no page of one that is gone", () => {
  const used = new Map<string, string>();
  for (const room of ROOMS)
    for (const file of sourcesIn(path.join(root, room)))
      for (const [code] of readFileSync(file, "utf8").matchAll(/HDL\d{4}/g))
        if (!used.has(code)) used.set(code, path.relative(root, file));
  const pages = readdirSync(path.join(root, "docs/codes"))
    .filter((name) => /^HDL\d{4}\.md$/.test(name))
    .map((name) => name.slice(0, -".md".length));
  const without = [...used].filter(([code]) => !pages.includes(code));
  expect(without.map(([code, file]) => `${code}, in ${file}, has no page`)).toEqual([]);
  expect(pages.filter((code) => !used.has(code))).toEqual([]);
});

/** Tests may name codes that do not exist. */
function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return NOT_SOURCE.test(entry.name) ? [] : sourcesIn(file);
    const source = /\.(?:[mc]?ts|tsx|[mc]?js)$/.test(entry.name);
    return source && !/\.test\.tsx?$/.test(entry.name) ? [file] : [];
  });
}
