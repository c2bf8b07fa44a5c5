import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient } from "@heddle/client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startPlane, type StartOptions } from "./node.ts";
import { rule } from "./testing/planes.ts";
import { VERSION } from "./version.ts";

const cacheDir = path.join(tmpdir(), "heddle-cache");
let home: string;
let dataDir: string;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), "heddle-node-"));
  dataDir = path.join(home, "data");
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const start = (options: Partial<StartOptions> = {}) =>
  startPlane({ port: 0, dataDir, cacheDir, ...options });

describe("a plane on Node", () => {
  it("makes a first tenant whose token only its owner can read, and keeps it over a restart", async () => {
    const first = await start();
    expect(readFileSync(first.adminTokenFile, "utf8").trim()).toBe(first.adminToken);
    expect(statSync(first.adminTokenFile).mode & 0o777).toBe(0o600);
    expect(statSync(path.join(dataDir, "envelope-key")).mode & 0o777).toBe(0o600);
    const client = createClient({ baseUrl: first.url, token: first.adminToken });
    await client.createMesh({ name: "demo" });
    await client.apply("demo", { objects: [rule("a")] });
    await first.close();
    const second = await start();
    expect(second.adminToken).toBe(first.adminToken);
    const again = createClient({ baseUrl: second.url, token: second.adminToken });
    expect(await again.getMesh("demo")).toMatchObject({ revision: 1 });
    await again.apply("demo", { objects: [rule("a", "v2")] });
    await second.close();
  });

  it("issues another token where the file was lost", async () => {
    const first = await start();
    await first.close();
    rmSync(first.adminTokenFile);
    const second = await start();
    expect(second.adminToken).not.toBe(first.adminToken);
    expect(
      await createClient({ baseUrl: second.url, token: second.adminToken }).whoAmI(),
    ).toMatchObject({
      scopes: ["admin"],
    });
    await second.close();
  });

  it("takes requests without a body, and bodies whose length nobody announced", async () => {
    const plane = await start();
    const client = createClient({ baseUrl: plane.url, token: plane.adminToken });
    await client.createMesh({ name: "demo" });
    const { id } = await client.createToken({ name: "old", scopes: ["read"] });
    await client.revokeToken(id);
    const post = (body: BodyInit) =>
      fetch(`${plane.url}/v1/meshes/demo/apply`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${plane.adminToken}`,
          "content-type": "application/json",
        },
        body,
        duplex: "half",
      } as RequestInit);
    const text = JSON.stringify({ objects: [rule("a")] });
    expect(await (await post(new Blob([text]).stream())).json()).toMatchObject({ revision: 1 });
    const tooLong = await post(new Blob([" ".repeat(10_000_001)]).stream());
    expect(await tooLong.json()).toMatchObject({ code: "HDL1005" });
    await client.deleteObject("demo", "networking.istio.io/VirtualService/default/a");
    await client.deleteMesh("demo");
    await plane.close();
  });

  it("says by code what keeps it from starting: port, directory, database, key", async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve));
    const { port } = holder.address() as { port: number };
    await expect(start({ port })).rejects.toMatchObject({
      code: "HDL1062",
      message: `Port ${port} on 127.0.0.1 is in use.`,
    });
    holder.close();
    const running = await start();
    await expect(start()).rejects.toMatchObject({ code: "HDL1060" });
    await running.close();
    await expect(start({ databaseUrl: "postgres://127.0.0.1:1/none" })).rejects.toMatchObject({
      code: "HDL1064",
    });
    await expect(start({ environment: { HEDDLE_ENVELOPE_KEY: "short" } })).rejects.toMatchObject({
      code: "HDL1065",
    });
    writeFileSync(path.join(home, "file"), "");
    await expect(start({ dataDir: path.join(home, "file") })).rejects.toMatchObject({
      code: expect.stringMatching(/^HDL|EEXIST/),
    });
  });

  it("serves the console's files with ETags and gzip, its index for any page, and problems below /v1", async () => {
    const consoleDir = path.join(home, "dist");
    mkdirSync(path.join(consoleDir, "assets"), { recursive: true });
    writeFileSync(path.join(consoleDir, "index.html"), "<!doctype html><title>console</title>");
    writeFileSync(path.join(consoleDir, "assets/app-1.js"), `console.log("${"x".repeat(5000)}")`);
    writeFileSync(path.join(home, "outside.txt"), "outside");
    const plane = await start({ consoleDir });
    const get = (at: string, headers: Record<string, string> = {}) =>
      fetch(`${plane.url}${at}`, { headers });
    const page = await get("/meshes/demo/graph", { accept: "text/html" });
    expect([
      page.status,
      page.headers.get("content-type"),
      page.headers.get("cache-control"),
    ]).toEqual([200, "text/html; charset=utf-8", "no-cache"]);
    expect(await page.text()).toContain("console");
    const asset = await get("/assets/app-1.js", { "accept-encoding": "gzip" });
    expect([asset.headers.get("content-encoding"), asset.headers.get("cache-control")]).toEqual([
      "gzip",
      "public, max-age=31536000, immutable",
    ]);
    expect(await asset.text()).toContain("xxxx");
    const known = await get("/assets/app-1.js", {
      "if-none-match": asset.headers.get("etag") ?? "",
    });
    expect(known.status).toBe(304);
    for (const missing of [
      "/assets/none.js",
      "/v1/none",
      "/..%2foutside.txt",
      "/%2e%2e/outside.txt",
      "/%",
    ]) {
      const answer = await get(missing, {
        accept: "application/json",
        authorization: `Bearer ${plane.adminToken}`,
      });
      expect([missing, answer.status]).toEqual([missing, 404]);
    }
    await plane.close();
  });

  it("reports its package's version", () => {
    const file = path.join(import.meta.dirname, "../package.json");
    expect(JSON.parse(readFileSync(file, "utf8")).version).toBe(VERSION);
  });
});
