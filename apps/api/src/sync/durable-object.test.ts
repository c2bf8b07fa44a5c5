/** A whole agent against the plane under workerd: its room is a Durable Object, its database a real Postgres. */
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient, type HeddleClient } from "@heddle/client";
import { createDatabase } from "@heddle/db";
import { migrate, postgresDriver, readMigrations } from "@heddle/db/node";
import { type RealPostgres, startPostgres } from "@heddle/db/testing";
import { type AgentFrame, type PlaneFrame, SHARING } from "@heddle/sync";
import { WebSocket } from "ws";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningAgent, parseAgentOptions, startAgent } from "../../../../agent/src/index.ts";
import { type RunningWorker, startWorker } from "../edge/testing/start-worker.ts";
import { createTenant } from "../tenancy/service.ts";
import { rule, ruleKey } from "../testing/planes.ts";

/** A Durable Object whose sockets hibernate is put to sleep after ten idle seconds. */
const ASLEEP_AFTER = 11_500;

let server: RealPostgres;
let worker: RunningWorker;
let client: HeddleClient;
let agent: RunningAgent;
let folder: string;
let joinToken: string;

const openAgent = async () => {
  const flags = {
    plane: worker.url,
    token: joinToken,
    name: "edge",
    state: path.join(folder, "agent"),
  };
  const addresses = { xds: "127.0.0.1:0", metrics: "127.0.0.1:0", roles: "control" };
  agent = await startAgent(parseAgentOptions({ ...flags, ...addresses }), {
    info() {},
    warn() {},
    error: (message, fields) => console.error(message, fields),
  });
};
const held = async () => {
  const response = await fetch(`http://127.0.0.1:${agent.ports.metrics}/debug/sync`);
  return ((await response.json()) as { applied: { number: number } }).applied.number;
};
const inStep = async (revision: number) => {
  const { convergence } = await client.getMesh("edge");
  return (
    convergence.state === "applied" &&
    convergence.revision === revision &&
    (await held()) === revision
  );
};

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-edge-"));
  server = await startPostgres();
  const databaseUrl = await server.database("edge_agent");
  const driver = postgresDriver({ url: databaseUrl });
  await migrate(driver, readMigrations());
  const db = createDatabase(driver);
  const random = (size: number) => crypto.getRandomValues(new Uint8Array(size));
  const { token } = await createTenant({ db, clock: Date.now, random }, "default");
  await db.close();
  worker = await startWorker(path.join(import.meta.dirname, "../edge/testing/wrangler.jsonc"), {
    DATABASE_URL: databaseUrl,
    DATABASE_DRIVER: "postgres",
    HEDDLE_ENVELOPE_KEY: Buffer.alloc(32, 7).toString("base64"),
  });
  client = createClient({ baseUrl: worker.url, token });
  await client.createMesh({ name: "edge", trustDomain: "edge.example" });
  ({ token: joinToken } = await client.createJoinToken("edge", { name: "edge" }));
  await client.apply("edge", { objects: [rule("before")] });
  await openAgent();
}, 120_000);
afterAll(async () => {
  await agent?.close();
  await worker?.close();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("an agent and a plane at the edge", () => {
  it("are in step: with what was there, and with what comes", async () => {
    await expect.poll(() => inStep(1), { timeout: 10_000 }).toBe(true);
    const times: number[] = [];
    for (let revision = 2; revision <= 11; revision++) {
      await client.apply("edge", { objects: [rule("after", `v${revision}`)] });
      const began = performance.now();
      await expect.poll(held, { timeout: 5_000, interval: 2 }).toBe(revision);
      times.push(performance.now() - began);
    }
    times.sort((a, b) => a - b);
    console.log(
      `answered apply → in force at the agent, under workerd: median ${times[5]?.toFixed(1)} ms`,
    );
    await expect.poll(() => inStep(11), { timeout: 5_000 }).toBe(true);
    expect((await client.agents("edge")).items).toMatchObject([
      { name: "edge", connected: true, acknowledged: 11 },
    ]);
  });

  it("stay in step when the room has slept", async () => {
    await new Promise((resolve) => setTimeout(resolve, ASLEEP_AFTER));
    await client.apply("edge", { objects: [rule("woken")] });
    await expect.poll(() => inStep(12), { timeout: 5_000 }).toBe(true);
    expect((await client.agents("edge")).items).toMatchObject([{ connected: true }]);
  }, 60_000);

  it("are in step again when the agent was away for some revisions", async () => {
    await agent.close();
    await expect
      .poll(async () => (await client.agents("edge")).items[0]?.connected, { timeout: 5_000 })
      .toBe(false);
    await client.apply("edge", { objects: [rule("meanwhile")] });
    await client.apply("edge", { delete: [ruleKey("before")] });
    await openAgent();
    await expect.poll(() => inStep(14), { timeout: 10_000 }).toBe(true);
    const objects = await fetch(`http://127.0.0.1:${agent.ports.metrics}/debug/objects`);
    const { items } = (await objects.json()) as { items: { key: string }[] };
    expect(items.map(({ key }) => key).toSorted()).toEqual(
      [ruleKey("after"), ruleKey("meanwhile"), ruleKey("woken")].toSorted(),
    );
  }, 60_000);

  // Before any replica has gone: a rotation waits for half a minute for its proxies.
  it("go to another root of the mesh's, back when that is turned around, and at once when a workload is revoked", async () => {
    const issuer = async () => (await client.trustBundle("edge")).issuer;
    const state = async () => (await client.rotation("edge")).state;
    const first = await issuer();
    await client.startRotation("edge");
    await expect.poll(state, { timeout: 20_000 }).toBe("completed");
    const second = await issuer();
    expect(second).not.toBe(first);
    await client.startRotation("edge", { automatic: false });
    await client.abortRotation("edge");
    await expect.poll(state, { timeout: 20_000 }).toBe("aborted");
    expect(await issuer()).toBe(second);
    const subject = "spiffe://edge.example/ns/shop/sa/web";
    await client.revoke("edge", { kind: "workload", subject });
    const effective = async () => (await client.revocations("edge")).items[0]?.effectiveAt;
    await expect.poll(effective, { timeout: 20_000 }).toBeDefined();
    expect(await issuer()).not.toBe(second);
  }, 90_000);

  it("have a socket for each replica of the agent, which nobody waits for when it is gone", async () => {
    const kept = await readFile(path.join(folder, "agent/membership.json"), "utf8");
    const { token } = JSON.parse(kept) as { token: string };
    const open = async (replica: string) => {
      const to = `${worker.url.replace("http", "ws")}/v1/sync?mesh=edge&replica=${replica}`;
      const socket = new WebSocket(to, { headers: { authorization: `Bearer ${token}` } });
      const frames: string[] = [];
      socket.on("message", (data) => frames.push(String(data)));
      await once(socket, "open");
      const hello = { type: "hello", protocols: [1], agent: "x", version: "1", features: [] };
      socket.send(JSON.stringify({ ...hello, applied: 0, acknowledged: 0 }));
      await expect.poll(() => frames.join(), { timeout: 10_000 }).toContain("welcome");
      return socket;
    };
    const replicas = [await open("pod-1"), await open("pod-2")];
    await client.apply("edge", { objects: [rule("replicated")] });
    await expect.poll(held, { timeout: 10_000 }).toBe(15);
    expect(await inStep(15)).toBe(false);
    expect(replicas.map(({ readyState }) => readyState)).toEqual([1, 1]);
    expect((await client.agents("edge")).items).toMatchObject([{ connected: true }]);
    for (const socket of replicas) socket.close();
    await client.apply("edge", { objects: [rule("replicated", "v2")] });
    await expect.poll(() => inStep(16), { timeout: 20_000 }).toBe(true);
  }, 60_000);

  it("keep what clusters share through the room's sleep, until an agent's time to live is over", async () => {
    const TTL = 3_000;
    await client.createMesh({ name: "several" });
    const open = async (name: string) => {
      const made = await client.createJoinToken("several", { name });
      const { token, agentId } = await client.enroll({ joinToken: made.token, name });
      const socket = new WebSocket(`${worker.url.replace("http", "ws")}/v1/sync?mesh=several`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const frames: PlaneFrame[] = [];
      socket.on("message", (data) => frames.push(JSON.parse(String(data)) as PlaneFrame));
      await once(socket, "open");
      const say = (frame: AgentFrame) => socket.send(JSON.stringify(frame));
      say({
        ...{ type: "hello", protocols: [1], agent: name, version: "1", features: [SHARING] },
        ...{ applied: 0, acknowledged: 0, sharing: { cluster: name, ttl: TTL } },
      });
      const heard = <Type extends PlaneFrame["type"]>(type: Type) =>
        frames.filter((frame): frame is Extract<PlaneFrame, { type: Type }> => frame.type === type);
      return { id: agentId, socket, say, heard };
    };
    const [west, east] = [await open("west"), await open("east")];
    await expect.poll(() => west.heard("share"), { timeout: 10_000 }).toHaveLength(1);
    const version = "1".repeat(64);
    const gateway = (network: string) => {
      const item = { key: network, network, address: "192.0.2.1", port: 15443 };
      return { kind: "gateway" as const, ...item };
    };
    const upserted = [gateway("a"), gateway("b")];
    west.say({ type: "shared", version, part: 0, parts: 1, upserted, removed: [] });
    await expect
      .poll(() => east.heard("elsewhere"), { timeout: 10_000 })
      .toMatchObject([{ agent: west.id, version, upserted }]);
    await new Promise((resolve) => setTimeout(resolve, ASLEEP_AFTER));
    const north = await open("north");
    await expect
      .poll(() => north.heard("clusters")[0]?.clusters, { timeout: 10_000 })
      .toMatchObject([{ agent: west.id, cluster: "west", version }, { agent: east.id }]);
    north.say({ type: "want", agent: west.id });
    await expect
      .poll(() => north.heard("elsewhere"), { timeout: 10_000 })
      .toMatchObject([{ agent: west.id, version, upserted }]);
    expect((await client.agents("several")).items).toMatchObject([
      { name: "east", cluster: "east", sharesWith: ["north", "west"] },
      { name: "north" },
      { name: "west" },
    ]);
    west.socket.close();
    const began = Date.now();
    await expect
      .poll(() => east.heard("clusters").at(-1)?.withdrawn, { timeout: 20_000 })
      .toEqual([west.id]);
    expect(Date.now() - began).toBeGreaterThan(TTL / 2);
    for (const { socket } of [east, north]) socket.close();
  }, 90_000);

  it("part when the agent's token is revoked", async () => {
    const { items } = await client.listTokens({ limit: 100 });
    for (const { id, scopes } of items) if (scopes.includes("agent")) await client.revokeToken(id);
    await expect
      .poll(async () => (await client.agents("edge")).items[0]?.connected, { timeout: 25_000 })
      .toBe(false);
    const before = await held();
    await client.apply("edge", { objects: [rule("unseen")] });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await held()).toBe(before);
  }, 40_000);
});
