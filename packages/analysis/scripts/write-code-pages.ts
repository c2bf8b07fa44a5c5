/** Writes the pages of configuration's codes into docs/codes; pages of its codes that are gone are deleted. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codePages, isOurs } from "../src/code-pages.ts";

const folder = join(import.meta.dirname, "../../../docs/codes");
const pages = codePages();
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) {
  if (isOurs(name) && !pages.has(name)) rmSync(join(folder, name));
}
for (const [name, text] of pages) writeFileSync(join(folder, name), text);
process.stdout.write(`${pages.size} pages\n`);
