import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createAcknowledged } from "./acknowledged.ts";
import { openStateDirectory, type StateDirectory } from "./state-directory.ts";

let folder: string;
let directory: StateDirectory;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-acknowledged-"));
  directory = await openStateDirectory(folder);
});
afterEach(async () => {
  await directory.close();
  await rm(folder, { recursive: true, force: true });
});

it("remembers the last number of a mesh, of another mesh none, and never more than is in force", async () => {
  const before = createAcknowledged(directory, () => {});
  for (let number = 1; number <= 50; number++) before.keep("m", number);
  await before.settled();
  const after = createAcknowledged(directory, () => {});
  expect(await after.load("m", 60)).toBe(50);
  expect(await after.load("m", 7)).toBe(7);
  expect(await after.load("other", 60)).toBe(0);
});

it("knows nothing of a file that is broken, and tells of one that cannot be written", async () => {
  await writeFile(path.join(folder, "acknowledged.json"), "{");
  const failures: unknown[] = [];
  const kept = createAcknowledged(
    { ...directory, write: () => Promise.reject(new Error("no space")) },
    (error) => failures.push(error),
  );
  expect(await kept.load("m", 60)).toBe(0);
  kept.keep("m", 3);
  await kept.settled();
  expect(String(failures)).toContain("no space");
});
