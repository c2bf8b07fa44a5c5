import path from "node:path";
import { createClient, type HeddleClient } from "@heddle/client";
import { createDatabase } from "@heddle/db";
import { createRequest, generateKeyPair, readSvid, spiffeId } from "@heddle/pki";
import { migrate, postgresDriver, readMigrations } from "@heddle/db/node";
import { startPostgres, type RealPostgres } from "@heddle/db/testing";
import { WebSocket } from "ws";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type OpenBao, startOpenBao } from "../../../../test/harness/openbao.ts";
import { createTenant } from "../tenancy/service.ts";
import { rule, ruleKey } from "../testing/planes.ts";
import { problemOf } from "../testing/problem-of.ts";
import { startWorker, type RunningWorker } from "./testing/start-worker.ts";
import { startNeonProxy, type NeonProxy } from "./testing/neon-proxy.ts";

let server: RealPostgres;
let proxy: NeonProxy;
let bao: OpenBao;
beforeAll(async () => {
  server = await startPostgres();
  proxy = await startNeonProxy();
  bao = await startOpenBao(18_239, ["edge"]);
}, 180_000);
afterAll(async () => {
  await bao?.close();
  await proxy?.close();
  await server?.stop();
});

describe.each(["neon", "postgres"] as const)(
  "the plane under workerd, over the %s driver",
  (kind) => {
    let worker: RunningWorker;
    let client: HeddleClient;
    let url: string;
    beforeAll(async () => {
      const databaseUrl = await server.database(`edge_${kind}`);
      const driver = postgresDriver({ url: databaseUrl });
      await migrate(driver, readMigrations());
      const db = createDatabase(driver);
      const { token } = await createTenant(
        { db, clock: Date.now, random: (size) => crypto.getRandomValues(new Uint8Array(size)) },
        "default",
      );
      await db.close();
      worker = await startWorker(path.join(import.meta.dirname, "testing/wrangler.jsonc"), {
        DATABASE_URL: databaseUrl,
        DATABASE_DRIVER: kind,
        NEON_PROXY: proxy.address,
        // Keys of one are under an envelope key, those of the other under a key service's.
        ...(kind === "neon"
          ? { HEDDLE_ENVELOPE_KEY: Buffer.alloc(32, 7).toString("base64") }
          : {
              HEDDLE_KMS_KEY: `${bao.url}/v1/transit/keys/edge`,
              HEDDLE_KMS_TOKEN: await bao.planeToken("edge"),
            }),
      });
      url = worker.url;
      client = createClient({ baseUrl: url, token });
    }, 120_000);
    afterAll(() => worker?.close());

    it("applies configuration, reads it back, and goes back", async () => {
      await client.createMesh({ name: "demo", trustDomain: "cluster.local" });
      expect(await client.apply("demo", { objects: [rule("a"), rule("b")] })).toMatchObject({
        revision: 1,
      });
      await client.apply("demo", { objects: [rule("a", "v2")], delete: [ruleKey("b")] });
      expect(await client.getObject("demo", ruleKey("a"))).toMatchObject({ revision: 2 });
      expect(await client.rollback("demo", 1)).toMatchObject({ revision: 3 });
      const names = [];
      for await (const { metadata } of client.listObjects("demo")) names.push(metadata.name);
      expect(names).toEqual(["a", "b"]);
      expect((await client.revisions("demo")).items.map(({ number }) => number)).toEqual([3, 2, 1]);
    });

    it("issues certificates in batches, each leaf in a few milliseconds", async () => {
      await client.createMesh({ name: "signed", trustDomain: "signed.example" });
      const { token: joinToken } = await client.createJoinToken("signed", { name: "a" });
      const { token } = await client.enroll({ joinToken, name: "a" });
      const agent = createClient({ baseUrl: url, token });
      const who = { trustDomain: "signed.example", namespace: "shop", serviceAccount: "web" };
      const csrs = await Promise.all(
        Array.from({ length: 200 }, async () =>
          createRequest(await generateKeyPair(), spiffeId(who)),
        ),
      );
      await agent.issueCertificates("signed", csrs.slice(0, 20));
      const began = performance.now();
      const { chains } = await agent.issueCertificates("signed", csrs);
      const each = (performance.now() - began) / csrs.length;
      expect(chains).toHaveLength(csrs.length);
      expect(readSvid(chains.at(-1) ?? "").spiffeId).toBe(spiffeId(who));
      console.log(`workerd, ${kind}: ${each.toFixed(2)} ms a leaf, in a batch of ${csrs.length}`);
      // What a library's own encoding alone would take.
      expect(each).toBeLessThan(10);
    });

    it("seals its keys anew, and says under what", async () => {
      const { keys, envelope } = await client.rewrapKeys("signed");
      expect(keys).toBe(2);
      const response = await fetch(`${url}/readyz`);
      expect(await response.json()).toMatchObject({ envelope: { name: envelope } });
      expect(envelope).toContain(kind === "neon" ? "own envelope key" : "key edge of http");
      const { issuer } = await client.trustBundle("signed");
      if (kind !== "postgres") return;
      await bao.call("POST", "transit/keys/edge/rotate");
      await client.rewrapKeys("signed");
      await bao.call("POST", "transit/keys/edge/config", { min_decryption_version: 2 });
      expect(await client.trustBundle("signed")).toMatchObject({ issuer });
    });

    it("loses nothing of writes at once", async () => {
      await client.createMesh({ name: "busy" });
      await Promise.all(
        Array.from({ length: 12 }, (_, i) => client.apply("busy", { objects: [rule(`p-${i}`)] })),
      );
      expect(await client.getMesh("busy")).toMatchObject({ revision: 12 });
    });

    it("tells an agent of a revision through the mesh's room", async () => {
      await client.createMesh({ name: "watched" });
      const { token: joinToken } = await client.createJoinToken("watched", { name: "west" });
      const { token, agentId } = await client.enroll({ joinToken, name: "west" });
      const socket = new WebSocket(`${url.replace("http", "ws")}/v1/sync?mesh=watched`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const frames: { type: string; head?: { number: number; bundle: string } }[] = [];
      socket.on("message", (data: Buffer) => frames.push(JSON.parse(data.toString())));
      await new Promise((resolve, reject) => {
        socket.once("open", resolve);
        socket.once("error", reject);
      });
      socket.send(
        JSON.stringify({
          type: "hello",
          protocols: [1],
          agent: agentId,
          version: "test",
          features: [],
          applied: 0,
          acknowledged: 0,
        }),
      );
      await expect
        .poll(() => frames.map(({ type }) => type), { timeout: 10_000 })
        .toContain("welcome");
      await client.apply("watched", { objects: [rule("a")] });
      await expect
        .poll(() => frames.find(({ type }) => type === "head")?.head?.number, { timeout: 10_000 })
        .toBe(1);
      const bundle = frames.find(({ type }) => type === "head")?.head?.bundle ?? "";
      const agent = createClient({ baseUrl: url, token });
      expect(JSON.parse(await agent.bundle(bundle))).toMatchObject({
        kind: "change",
        changes: [{ key: ruleKey("a") }],
      });
      expect((await client.agents("watched")).items).toMatchObject([
        { name: "west", connected: true },
      ]);
      socket.close();
    });

    it("refuses as on Node, and says that it keeps no telemetry", async () => {
      expect(await problemOf(client.getMesh("none"))).toMatchObject({ code: "HDL1020" });
      expect(await problemOf(client.apply("demo", {}))).toMatchObject({ code: "HDL1042" });
      expect((await fetch(`${url}/v1/whoami`)).status).toBe(401);
      expect((await problemOf(client.graph("demo"))).status).toBe(501);
    });
  },
);

it("went through the WebSocket proxy", () => {
  expect(proxy.connections()).toBeGreaterThan(5);
});
