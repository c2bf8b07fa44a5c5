/** A plane that is killed while it writes, on its own database and on a Postgres: its chain of revisions is whole. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient } from "@heddle/client";
import { type RealPostgres, startPostgres } from "@heddle/db/testing";
import { importVerifier, verifyHeader } from "@heddle/sync";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyChain } from "../../apps/api/src/config/verify-chain.ts";
import { createPlane, type StartOptions } from "../../apps/api/src/node.ts";
import { signingKeyOf } from "../../apps/api/src/pki/signing-keys.ts";
import { authenticate } from "../../apps/api/src/tenancy/authenticate.ts";
import { findMesh } from "../../apps/api/src/tenancy/mesh-store.ts";
import { rule } from "../../apps/api/src/testing/planes.ts";
import { ROOT } from "../harness/demo-process.ts";

const cacheDir = path.join(tmpdir(), "heddle-cache");
/** Objects that each write of the killed plane changes together. */
const TOGETHER = 12;
const KILLS = 4;

describe("a plane that is killed during apply", () => {
  let server: RealPostgres;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  // Side by side: a plane that starts waits for its database for much of the time.
  test.concurrent.for(["PGlite", "Postgres"])(
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
    import { startPlane } from ${JSON.stringify(path.join(ROOT, "apps/api/src/node.ts"))};
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
