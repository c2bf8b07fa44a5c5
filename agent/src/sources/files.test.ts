import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AgentLog } from "../log.ts";
import { type FilesSource, type FilesUpdate, startFilesSource } from "./files.ts";

const silent: AgentLog = { info() {}, warn() {}, error() {} };
const config = (name: string, value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, namespace: default }\ndata: { value: "${value}" }\n`;
const rule = (timeout: string) =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: web }\nspec:\n  hosts: [web]\n  http:\n    - timeout: ${timeout}\n      route: [{ destination: { host: web } }]\n`;

let directory: string;
let source: FilesSource | undefined;
let updates: FilesUpdate[];
const held = () => {
  const values = new Map<string, unknown>();
  for (const { changes } of updates)
    for (const [key, value] of changes) {
      if (value) values.set(key, value.object);
      else values.delete(key);
    }
  return values;
};
const start = async () => {
  source = await startFilesSource(directory, (update) => updates.push(update), silent);
};
const write = (name: string, text: string) => writeFile(path.join(directory, name), text);
async function until(check: () => boolean, ms = 5_000) {
  const end = Date.now() + ms;
  while (!check()) {
    if (Date.now() > end) throw new Error("did not come about");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "heddle-files-"));
  updates = [];
});
afterEach(async () => {
  await source?.close();
  source = undefined;
  await rm(directory, { recursive: true, force: true });
});

describe("a folder as source", () => {
  it("refuses what a policy is for that nobody can read", async () => {
    const policy = (port: string) =>
      `apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: guard }\nspec: { rules: [{ to: [{ operation: { ports: ["${port}"] } }] }] }\n`;
    const key = "security.istio.io/AuthorizationPolicy/default/guard";
    await write("a.yaml", `${config("one", "1")}---\n${policy("http")}`);
    await start();
    expect(held().size).toBe(2);
    expect(held().get(key)).toMatchObject({ spec: { action: "DENY", rules: [{}] } });
    await write("a.yaml", policy("80"));
    await until(() => !JSON.stringify(held().get(key)).includes("DENY"));
  });

  it("gives what it holds, and each change within a moment", async () => {
    await write("a.yaml", `${config("one", "1")}---\n${config("two", "1")}`);
    await start();
    expect([...held().keys()]).toEqual([
      "core/ConfigMap/default/one",
      "core/ConfigMap/default/two",
    ]);
    expect(source?.sourceOf("core/ConfigMap/default/two")).toMatch(/^a\.yaml:[56]$/);
    const began = Date.now();
    await write("b.yaml", config("three", "1"));
    await until(() => held().has("core/ConfigMap/default/three"));
    expect(Date.now() - began).toBeLessThan(1_000);
    await mkdir(path.join(directory, "nested"));
    await rename(path.join(directory, "b.yaml"), path.join(directory, "nested/b.yml"));
    await write("a.yaml", config("one", "2"));
    await until(() => !held().has("core/ConfigMap/default/two") && held().size === 2);
  });

  it("changes only what differs", async () => {
    await write("a.yaml", `${config("one", "1")}---\n${config("two", "1")}`);
    await start();
    await write("a.yaml", `# a comment\n${config("one", "1")}---\n${config("two", "2")}`);
    await until(() => updates.length > 1);
    expect([...(updates.at(-1)?.changes.keys() ?? [])]).toEqual(["core/ConfigMap/default/two"]);
  });

  it("keeps the last good objects of a file that goes bad, and says where it is bad", async () => {
    await write("a.yaml", rule("1s"));
    await write("b.yaml", config("one", "1"));
    await start();
    await write("a.yaml", rule("soon"));
    await until(() => (updates.at(-1)?.diagnostics.length ?? 0) > 0);
    expect(held().get("networking.istio.io/VirtualService/default/web")).toMatchObject({
      spec: { http: [{ timeout: "1s" }] },
    });
    expect(updates.at(-1)?.diagnostics[0]?.reference).toMatch(/^a\.yaml:[67]$/);
    expect(source?.status()).toEqual({ files: 2, bad: ["a.yaml"] });
    await write("a.yaml", "apiVersion: [");
    await write("b.yaml", config("one", "2"));
    await until(() => JSON.stringify(held().get("core/ConfigMap/default/one")).includes('"2"'));
    expect(held().size).toBe(2);
    await write("a.yaml", rule("2s"));
    await until(() => (updates.at(-1)?.diagnostics.length ?? 1) === 0);
    expect(held().get("networking.istio.io/VirtualService/default/web")).toMatchObject({
      spec: { http: [{ timeout: "2s" }] },
    });
  });

  it("does not believe a file that is empty only while it is written", async () => {
    await write("a.yaml", config("one", "1"));
    await start();
    await write("a.yaml", "");
    await new Promise((resolve) => setTimeout(resolve, 60));
    await write("a.yaml", config("one", "2"));
    await until(() => JSON.stringify(held().get("core/ConfigMap/default/one")).includes('"2"'));
    for (const { changes } of updates) expect([...changes.values()]).not.toContain(undefined);
  });

  it("waits for a folder that is not there, and passes over hidden files and two of a kind", async () => {
    await rm(directory, { recursive: true });
    await start();
    expect(held().size).toBe(0);
    await mkdir(directory);
    await write(".a.yaml.part", config("hidden", "1"));
    await write("a.yaml", config("one", "1"));
    await write("b.yaml", config("one", "2"));
    await until(() => held().size === 1 && updates.at(-1)?.diagnostics[0]?.code === "HDL0018");
    expect(held().get("core/ConfigMap/default/one")).toMatchObject({
      spec: { data: { value: "1" } },
    });
  });
});
