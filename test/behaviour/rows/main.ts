/**
 * Makes docs/coverage from the suite's claims, and fails where a field is not accounted for. With `--check` it writes
 * nothing and fails on stale pages too; with `--unproven` it lists on stdout what lacks a row, for the lists in `unproven/`.
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { attackPage, attackProblems } from "./attack-page.ts";
import { collectTests, root } from "./collect.ts";
import { coverageOf, type Unproven } from "./coverage.ts";
import { provenKinds } from "./kinds.ts";
import { indexPage, pageOf } from "./page.ts";

const PAGES = path.join(root, "docs/coverage");
/** Made from tables elsewhere, where a test says whether it is fresh. */
const OTHERS: ReadonlySet<string> = new Set(["injection.md"]);
const UNPROVEN = path.join(root, "test/behaviour/unproven");

const arguments_ = new Set(process.argv.slice(2));
const { version } = JSON.parse(await text(path.join(root, "package.json"))) as { version: string };
const { rows, attacks } = await collectTests();
const { kinds, problems } = coverageOf(rows, await unprovenLists());

if (arguments_.has("--unproven")) {
  for (const { kind, fields } of kinds)
    for (const { field, state } of fields)
      if (state === "unproven") console.log(`${kind.name} ${field}`);
} else {
  const failures = [...problems, ...attackProblems(attacks), ...(await pages())];
  for (const failure of failures) console.error(failure);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

/** Writes what differs, or says which pages are stale. */
async function pages(): Promise<readonly string[]> {
  const wanted = new Map([
    ["README.md", indexPage()],
    ["attacks.md", attackPage(attacks)],
  ]);
  for (const covered of kinds) {
    const name = `${covered.kind.slug}.md`;
    wanted.set(name, pageOf(covered, await text(path.join(PAGES, name)), version));
  }
  await mkdir(PAGES, { recursive: true });
  const stale: string[] = [];
  for (const name of new Set([...wanted.keys(), ...(await readdir(PAGES))])) {
    const file = path.join(PAGES, name);
    const page = wanted.get(name);
    if (OTHERS.has(name)) continue;
    if (page === (await text(file))) continue;
    if (arguments_.has("--check"))
      stale.push(`docs/coverage/${name} is stale: node test/behaviour/rows/main.ts makes it anew.`);
    else if (page === undefined) await rm(file);
    else await writeFile(file, page);
  }
  return stale;
}

async function unprovenLists(): Promise<Unproven> {
  const lists = provenKinds.map(async ({ name, slug }) => {
    const lines = (await text(path.join(UNPROVEN, `${slug}.txt`))).split("\n");
    return [name, new Set(lines.map((line) => line.trim()).filter(Boolean))] as const;
  });
  return Object.fromEntries(await Promise.all(lists));
}

/** Empty where there is no such file. */
async function text(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}
