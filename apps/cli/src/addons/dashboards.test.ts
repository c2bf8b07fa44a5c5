import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeDashboards } from "./dashboards.ts";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(path.join(tmpdir(), "heddle-dashboards-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

it("writes each dashboard into a folder that it makes", async () => {
  const files = await writeDashboards(path.join(folder, "a/b"));
  expect(files.map((file) => path.basename(file))).toEqual([
    "heddle-mesh.json",
    "heddle-service.json",
    "heddle-workload.json",
    "heddle-agents.json",
  ]);
  for (const file of files)
    expect(JSON.parse(await readFile(file, "utf8"))).toHaveProperty("panels");
});

it("says with HDL9083 why it cannot", async () => {
  const file = path.join(folder, "file");
  await writeFile(file, "");
  await expect(writeDashboards(file)).rejects.toMatchObject({ code: "HDL9083" });
});
