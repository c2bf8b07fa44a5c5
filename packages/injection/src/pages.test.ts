/** Pages that are made from tables here (UPDATE_GOLDEN=1 rewrites them). */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { knownAnnotations } from "./annotations.ts";
import { injectionCodes, injectionPages } from "./codes.ts";
import { coveragePage } from "./coverage-page.ts";

const docs = join(import.meta.dirname, "../../../docs");

const pages = new Map([
  ...[...injectionPages()].map(([name, text]): [string, string] => [`codes/${name}`, text]),
  ["coverage/injection.md", coveragePage()],
]);

test.each([...pages])("docs/%s is as the table has it", (name, text) => {
  const file = join(docs, name);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  expect(readFileSync(file, "utf8")).toBe(text);
});

test("every code that is used is in the table, and every one in the table is used", () => {
  const used = new Set<string>();
  for (const name of readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts") || name.endsWith(".test.ts") || name === "codes.ts") continue;
    const text = readFileSync(join(import.meta.dirname, name), "utf8");
    for (const [code] of text.matchAll(/HDL6\d{3}/g)) used.add(code);
  }
  expect([...used].toSorted()).toEqual(Object.keys(injectionCodes).toSorted());
});

test("every annotation and label that works stands in a test", () => {
  const folder = join(import.meta.dirname, "..");
  const tests = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (name) =>
      name.endsWith(".test.ts") || /^testdata.*(?<!\.injected|\.deployed)\.yaml$/.test(name),
  );
  const text = tests.map((name) => readFileSync(join(folder, name), "utf8")).join("\n");
  const silent = knownAnnotations.filter(
    ({ name, state }) => state === "works" && !text.includes(name),
  );
  expect(silent.map(({ name }) => name)).toEqual([]);
});
