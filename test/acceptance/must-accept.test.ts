/** Rules that everybody has, applied to a running plane as they are written. */
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createProcessGroup, type ProcessGroup } from "../../apps/cli/src/local/processes.ts";
import { waitForHttp } from "../../apps/cli/src/local/wait.ts";
import { heddle, ROOT } from "../harness/demo-process.ts";

const PORT = 8766;
const url = `http://127.0.0.1:${PORT}`;
const conformance = process.env["HEDDLE_CONFORMANCE"] ?? path.join(ROOT, "../shared/conformance");
const mustAccept = path.join(conformance, "must-accept");
/** The kinds that are translated; ServiceEntry stands in one file and is refused by name. */
const KINDS = new Set(["VirtualService", "DestinationRule", "Gateway"]);

describe.skipIf(!existsSync(mustAccept))("must-accept", async () => {
  const files = existsSync(mustAccept) ? await readdir(mustAccept) : [];
  let directory: string;
  let group: ProcessGroup;
  let token: string;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "heddle-must-accept-"));
    group = await createProcessGroup(path.join(directory, "logs"), () => {});
    const main = path.join(ROOT, "apps/cli/src/main.ts");
    const data = path.join(directory, "data");
    await group.start({
      name: "plane",
      command: process.execPath,
      args: [main, "server", "--port", String(PORT), "--data", data],
    });
    await waitForHttp(`${url}/healthz`, { withinMs: 60_000 });
    token = (await readFile(path.join(data, "admin-token"), "utf8")).trim();
  });
  afterAll(async () => {
    await group?.close();
    await rm(directory, { recursive: true, force: true });
  });

  test.each(files)("%s applies", async (file) => {
    const mesh = file.replace(/\.yaml$/, "");
    const created = await fetch(`${url}/v1/meshes`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ name: mesh }),
    });
    expect(created.status, await created.text()).toBe(201);
    const documents = parseAllDocuments(await readFile(path.join(mustAccept, file), "utf8"))
      .map((document) => document.toJS() as { kind?: string; spec?: { http?: unknown } } | null)
      .filter((value) => KINDS.has(value?.kind ?? ""))
      .filter((value) => value?.kind !== "VirtualService" || value.spec?.http !== undefined);
    if (documents.length === 0) return;
    const copy = path.join(directory, file);
    await writeFile(copy, documents.map((value) => stringify(value)).join("---\n"));
    const applied = await heddle([
      "apply",
      "-f",
      copy,
      ...["--url", url, "--token", token, "--mesh", mesh, "-o", "json"],
    ]);
    expect(applied.code, applied.stderr).toBe(0);
    const { changes } = JSON.parse(applied.stdout) as { changes: { action: string }[] };
    expect(changes.map(({ action }) => action)).toEqual(documents.map(() => "created"));
  });
});
