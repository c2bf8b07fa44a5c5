import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { planePages } from "./code-pages.ts";

const folder = path.join(import.meta.dirname, "../../../../docs/codes");

it("has a page in docs/codes for each of the plane's codes, made from its tables (UPDATE_GOLDEN=1 rewrites them)", () => {
  for (const [code, page] of planePages()) {
    const file = path.join(folder, `${code}.md`);
    if (process.env["UPDATE_GOLDEN"]) writeFileSync(file, page);
    expect(existsSync(file) ? readFileSync(file, "utf8") : "", code).toBe(page);
  }
});
