import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient } from "@heddle/client";
import { startPostgres, type RealPostgres } from "@heddle/db/testing";
import { importVerifier, verifyHeader } from "@heddle/sync";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { verifyChain } from "./config/verify-chain.ts";
import { createPlane, startPlane, type StartOptions } from "./node.ts";
import { signingKeyOf } from "./pki/signing-keys.ts";
import { authenticate } from "./tenancy/authenticate.ts";
import { findMesh } from "./tenancy/mesh-store.ts";
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
    await expect(start({ envelopeKey: "short" })).rejects.toMatchObject({ code: "HDL1065" });
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

/** Objects that each write of the killed plane changes together. */
const TOGETHER = 12;
const KILLS = 3;

describe("a plane that is killed during apply", () => {
  let server: RealPostgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  // Side by side: a plane that starts waits for its database for much of the time.
  it.concurrent.for(["PGlite", "Postgres"])(
    "has either the old revision or the new one, on %s",
    { timeout: 180_000 },
    async (kind, { onTestFinished }) => {
      const databaseUrl = kind === "Postgres" ? await server.database("killed") : undefined;
      const own = mkdtempSync(path.join(tmpdir(), "heddle-killed-"));
      onTestFinished(() => rmSync(own, { recursive: true, force: true }));
      const options = { dataDir: own, cacheDir, ...(databaseUrl ? { databaseUrl } : {}) };
      let acknowledged = 0;
      for (let round = 0; round < KILLS; round++) {
        acknowledged = Math.max(acknowledged, await applyUntilKilled(options, 8 * Math.random()));
        const plane = await createPlane(options);
        const { tenant } = await authenticate(plane.deps, plane.adminToken);
        const mesh = (await findMesh(plane.deps.db, tenant, "demo"))!;
        const { publicKey } = await signingKeyOf(plane.deps, mesh);
        const verifier = await importVerifier(publicKey);
        const report = await plane.deps.db.withTenant(tenant, (tx) =>
          verifyChain(tx, mesh, (header, signature) => verifyHeader(header, signature, verifier)),
        );
        expect(report.faults).toEqual([]);
        expect(report.objects).toBe(TOGETHER);
        expect(mesh.revision).toBeGreaterThanOrEqual(acknowledged);
        const response = await plane.app.request("/v1/meshes/demo/objects", {
          headers: { authorization: `Bearer ${plane.adminToken}` },
        });
        const { items } = (await response.json()) as { items: { revision: number }[] };
        expect(new Set(items.map(({ revision }) => revision))).toEqual(new Set([mesh.revision]));
        await plane.close();
      }
      expect(acknowledged).toBeGreaterThan(KILLS);
    },
  );
});

/** Starts a plane in a process of its own, applies to it without pause, and kills it after the first answer, in the time that so many applies take. Returns the last revision that was answered. */
async function applyUntilKilled(options: Partial<StartOptions>, applies: number): Promise<number> {
  const program = `
    import { startPlane } from ${JSON.stringify(path.join(import.meta.dirname, "node.ts"))};
    const plane = await startPlane(${JSON.stringify({ ...options, port: 0 })});
    process.stdout.write(JSON.stringify({ url: plane.url, token: plane.adminToken }) + "\\n");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { url, token } = await new Promise<{ url: string; token: string }>((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\n")) resolve(JSON.parse(text));
    });
    child.once("exit", (code) => reject(new Error(`The plane ended with ${code}.`)));
  });
  const client = createClient({ baseUrl: url, token, retries: 0 });
  if ((await client.listMeshes()).items.length === 0) await client.createMesh({ name: "demo" });
  const killed = new Promise((resolve) => child.once("exit", resolve));
  const apply = async (n: number) => {
    const objects = Array.from({ length: TOGETHER }, (_, i) =>
      rule(`service-${i}`, `v${Date.now()}-${n}`),
    );
    return (await client.apply("demo", { objects })).revision;
  };
  let last = await apply(0);
  // How long one takes is for a second one to tell: the first opens all that the others find open.
  const began = performance.now();
  last = await apply(1);
  const took = performance.now() - began;
  const timer = setTimeout(() => child.kill("SIGKILL"), took * applies);
  try {
    for (let n = 2; ; n++) last = await apply(n);
  } catch {
    // It was killed.
  } finally {
    clearTimeout(timer);
  }
  await killed;
  return last;
}
