import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { cliCodes, cliPages } from "./codes.ts";

const root = path.join(import.meta.dirname, "../../../..");
const folder = path.join(root, "docs/codes");

it("has a page in docs/codes for each of the command line's codes, made from its table (UPDATE_GOLDEN=1 rewrites them)", () => {
  for (const [code, page] of cliPages()) {
    const file = path.join(folder, `${code}.md`);
    if (process.env["UPDATE_GOLDEN"]) writeFileSync(file, page);
    expect(existsSync(file) ? readFileSync(file, "utf8") : "", code).toBe(page);
  }
});

it("has each code that the command line and its toolchain use in the table, and none that they do not", () => {
  const files = ["apps/cli/src", "infra/toolchain", "test/bench", "test/cluster"].flatMap((place) =>
    readdirSync(path.join(root, place), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(?:ts|mjs)$/.test(name) && !/\.test\.ts$|\bcodes\.ts$/.test(name))
      .map((name) => path.join(root, place, name)),
  );
  const used = new Set<string>();
  for (const file of [...files, path.join(root, "test/main.ts")])
    for (const [code] of readFileSync(file, "utf8").matchAll(/HDL9\d{3}/g)) used.add(code);
  expect([...used].toSorted()).toEqual(Object.keys(cliCodes).toSorted());
});
