/** Rules that everybody has, applied to a running plane as they are written. */
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../harness/demo-process.ts";
import { type PlaneProcess, startPlaneProcess } from "../harness/plane-process.ts";

const PORT = 8766;
const conformance = process.env["HEDDLE_CONFORMANCE"] ?? path.join(ROOT, "../shared/conformance");
const mustAccept = path.join(conformance, "must-accept");

describe.skipIf(!existsSync(mustAccept))("must-accept", async () => {
  const files = existsSync(mustAccept) ? await readdir(mustAccept) : [];
  let directory: string;
  let plane: PlaneProcess;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "heddle-must-accept-"));
    plane = await startPlaneProcess(PORT, path.join(directory, "data"));
  });
  afterAll(async () => {
    await plane?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  test.each(files)("%s applies", async (file) => {
    const mesh = file.replace(/\.yaml$/, "");
    await plane.client.createMesh({ name: mesh });
    const documents = parseAllDocuments(await readFile(path.join(mustAccept, file), "utf8"))
      .map((document) => document.toJS() as { kind?: string } | null)
      .filter((value) => value !== null);
    expect(documents).not.toEqual([]);
    const copy = path.join(directory, file);
    await writeFile(copy, documents.map((value) => stringify(value)).join("---\n"));
    const applied = await plane.heddle(["apply", "-f", copy, "--mesh", mesh, "-o", "json"]);
    expect(applied.code, applied.stderr).toBe(0);
    const { changes } = JSON.parse(applied.stdout) as { changes: { action: string }[] };
    expect(changes.map(({ action }) => action)).toEqual(documents.map(() => "created"));
  });
});
