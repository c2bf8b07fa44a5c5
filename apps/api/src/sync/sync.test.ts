/** The agent link against the real app, database and rooms: joining, following, falling behind, and what is seen of it. */
import { createAdaptorServer } from "@hono/node-server";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient, type HeddleClient } from "@heddle/client";
import {
  acceptBundle,
  type AgentFrame,
  emptyState,
  type Head,
  headSchema,
  importVerifier,
  type PlaneFrame,
  publicKeySchema,
} from "@heddle/sync";
import WebSocket from "ws";
import { createApp } from "../app.ts";
import type { AppDeps } from "../deps.ts";
import { createRevisionSigner } from "../pki/signing-keys.ts";
import { createTestPlane, type TestPlane } from "../testing/test-plane.ts";
import { attachSync } from "./attach-sync.ts";
import { clusterSummary } from "./cluster-summary.ts";
import { createInProcessRooms } from "./in-process-rooms.ts";

let base: TestPlane;
let url: string;
let client: HeddleClient;
let deps: AppDeps;
let close: () => Promise<void>;

beforeAll(async () => {
  base = await createTestPlane();
  const rooms = createInProcessRooms(base.deps);
  deps = { ...base.deps, rooms, signer: createRevisionSigner(base.deps) };
  const server = createAdaptorServer({
    fetch: createApp(deps).fetch,
    overrideGlobalObjects: false,
  }) as Server;
  const sync = attachSync(server, deps, rooms);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = createClient({ baseUrl: url, token: base.token });
  close = async () => {
    await sync.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
});
afterAll(async () => {
  await close();
  await base.close();
});

let meshes = 0;
async function newMesh() {
  const name = `mesh-${++meshes}`;
  const { id } = await client.createMesh({ name });
  return { name, ref: { tenant: base.tenant, id } };
}
async function join(mesh: string, name: string) {
  const { token: joinToken } = await client.createJoinToken(mesh, { name });
  return client.enroll({ joinToken, name });
}
const apply = (mesh: string, value: number, more: object[] = []) =>
  client.apply(mesh, {
    objects: [
      {
        apiVersion: "networking.istio.io/v1",
        kind: "VirtualService",
        metadata: { name: "web", namespace: "default" },
        spec: {
          hosts: ["web"],
          http: [{ timeout: `${value}s`, route: [{ destination: { host: "web" } }] }],
        },
      },
      ...more,
    ],
    message: `${value}`,
  });

/** An agent's socket, with what has come in so far. */
async function connect(
  token: string,
  mesh: string,
  hello: Partial<Extract<AgentFrame, { type: "hello" }>> = {},
  replica?: string,
) {
  const own = replica === undefined ? "" : `&replica=${replica}`;
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/sync?mesh=${mesh}${own}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const frames: PlaneFrame[] = [];
  let closed: number | undefined;
  socket.on("message", (data) => frames.push(JSON.parse(String(data)) as PlaneFrame));
  socket.on("close", (code) => (closed = code));
  const status = await new Promise<number>((resolve) => {
    socket.on("open", () => resolve(101));
    socket.on("unexpected-response", (_, response) => resolve(response.statusCode ?? 0));
    socket.on("error", () => {});
  });
  const send = (frame: AgentFrame | string) =>
    socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  if (status === 101)
    send({
      type: "hello",
      protocols: [1],
      agent: "x",
      version: "1.0",
      features: [],
      applied: 0,
      acknowledged: 0,
      ...hello,
    });
  return { socket, frames, send, status, closed: () => closed };
}
async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const end = Date.now() + 5_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error("did not come about");
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}
const heads = (frames: PlaneFrame[]) =>
  frames.flatMap((frame) => (frame.type === "head" ? [frame] : []));

describe("joining", () => {
  it("takes a join token once, and only while it lasts", async () => {
    const mesh = await newMesh();
    const { token: joinToken } = await client.createJoinToken(mesh.name, {
      name: "a",
      expiresInSeconds: 60,
    });
    const [first, second] = await Promise.allSettled([
      client.enroll({ joinToken, name: "a" }),
      client.enroll({ joinToken, name: "b" }),
    ]);
    expect([first.status, second.status].toSorted()).toEqual(["fulfilled", "rejected"]);
    const { token: late } = await client.createJoinToken(mesh.name, {
      name: "c",
      expiresInSeconds: 60,
    });
    base.advance(61_000);
    await expect(client.enroll({ joinToken: late, name: "c" })).rejects.toMatchObject({
      code: "HDL7012",
    });
    await expect(client.enroll({ joinToken: "hdlj_nothing", name: "d" })).rejects.toMatchObject({
      code: "HDL7012",
    });
  });

  it("in the name of an agent of more namespaces than the token's leaves that agent as it is", async () => {
    const mesh = await newMesh();
    const narrow = async (...namespaces: string[]) =>
      (await client.createJoinToken(mesh.name, { name: "narrow", namespaces })).token;
    const wide = await join(mesh.name, "wide");
    const joinToken = await narrow("shop");
    await expect(client.enroll({ joinToken, name: "wide" })).rejects.toMatchObject({
      code: "HDL7012",
    });
    const socket = await connect(wide.token, mesh.name);
    expect(socket.status).toBe(101);
    socket.socket.close();
    // The token is still good for a name of its own, and so is another for that agent again.
    const own = await client.enroll({ joinToken, name: "own" });
    const again = { joinToken: await narrow("shop", "bank"), name: "own" };
    expect((await client.enroll(again)).agentId).toBe(own.agentId);
    const fewer = { joinToken: await narrow("shop"), name: "own" };
    await expect(client.enroll(fewer)).rejects.toMatchObject({ code: "HDL7012" });
  });

  it("again under the same name is the same agent, and its old token is worth nothing", async () => {
    const mesh = await newMesh();
    const [one, two] = [await join(mesh.name, "a"), await join(mesh.name, "a")];
    expect(two.agentId).toBe(one.agentId);
    expect((await connect(one.token, mesh.name)).status).toBe(401);
    expect((await client.agents(mesh.name)).items).toHaveLength(1);
  });

  it("opens the link to agents of the mesh alone", async () => {
    const [mesh, other] = [await newMesh(), await newMesh()];
    const { token } = await join(mesh.name, "a");
    expect((await connect(base.token, mesh.name)).status).toBe(403);
    expect((await connect(token, other.name)).status).toBe(403);
    expect((await connect("hdl_nothing", mesh.name)).status).toBe(401);
    const agent = await connect(token, mesh.name);
    expect(agent.status).toBe(101);
    agent.socket.close();
    await expect(
      createClient({ baseUrl: url, token }).transport.json("GET", "/v1/sync"),
    ).rejects.toMatchObject({ status: 426 });
  });
});

describe("the link", () => {
  it("brings each revision as it is made, signed, and the way for who was away", async () => {
    const mesh = await newMesh();
    await apply(mesh.name, 1);
    const { token, signingKey } = await join(mesh.name, "a");
    const own = createClient({ baseUrl: url, token });
    const verifier = await importVerifier(publicKeySchema.parse(signingKey));
    const agent = await connect(token, mesh.name);
    const first = await until(() => heads(agent.frames)[0]);
    let { state } = await acceptBundle(emptyState, await own.bundle(first.head.bundle), {
      mesh: mesh.ref.id,
      head: first.head,
      verifier,
    });
    await apply(mesh.name, 2);
    const second = await until(() => heads(agent.frames)[1]);
    ({ state } = await acceptBundle(state, second.inline ?? "", {
      mesh: mesh.ref.id,
      head: second.head,
      verifier,
    }));
    expect(state.header?.number).toBe(2);
    agent.socket.close();

    const way = async (from: number, hash?: string, snapshot?: boolean): Promise<Head[]> => {
      const query = { from, hash, ...(snapshot ? { snapshot: "true" } : {}) };
      const answer = await own.transport.json<{ heads: unknown[] }>(
        "GET",
        `/v1/meshes/${mesh.name}/bundles`,
        { query },
      );
      return answer.heads.map((head) => headSchema.parse(head));
    };
    for (let value = 3; value < 6; value++) await apply(mesh.name, value);
    for (const head of await way(2, state.headHash))
      ({ state } = await acceptBundle(state, await own.bundle(head.bundle), {
        mesh: mesh.ref.id,
        head,
        verifier,
      }));
    expect(state.header?.number).toBe(5);
    const [snapshot, ...rest] = await way(0, undefined, true);
    expect(rest).toEqual([]);
    const whole = await acceptBundle(emptyState, await own.bundle(snapshot?.bundle ?? ""), {
      mesh: mesh.ref.id,
      head: snapshot as Head,
      verifier,
    });
    expect(whole.state.objects).toEqual(state.objects);
    // Another history than the plane's: only a snapshot leads on.
    expect((await way(2, "f".repeat(64))).map(({ kind }) => kind)).toEqual(["snapshot"]);
    for (let value = 6; value < 30; value++) await apply(mesh.name, value);
    expect((await way(5, state.headHash)).map(({ kind, number }) => [kind, number])).toEqual([
      ["snapshot", 29],
    ]);
  });

  it("sends a large revision without its content, and takes no frame over the limit", async () => {
    const mesh = await newMesh();
    const { token } = await join(mesh.name, "a");
    const agent = await connect(token, mesh.name);
    const large = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "large", namespace: "default" },
      data: { text: "x".repeat(100_000) },
    };
    await apply(mesh.name, 1, [large]);
    const { head, inline } = await until(() => heads(agent.frames)[0]);
    expect(inline).toBeUndefined();
    expect(
      (await createClient({ baseUrl: url, token }).bundle(head.bundle)).length,
    ).toBeGreaterThan(100_000);
    agent.send(JSON.stringify({ type: "ping", acknowledged: 0, padding: "x".repeat(70_000) }));
    await until(() => (agent.closed() === 1009 ? true : undefined));
    const rude = await connect(token, mesh.name);
    rude.send("{");
    await until(() => (rude.closed() === 1002 ? true : undefined));
    expect(rude.frames.at(-1)).toMatchObject({ type: "error", code: "HDL7002" });
  });

  it("does not show one tenant's or mesh's bundles to another's agent", async () => {
    const [mesh, other] = [await newMesh(), await newMesh()];
    await apply(mesh.name, 1);
    const [{ token }, { token: foreign }] = [
      await join(mesh.name, "a"),
      await join(other.name, "a"),
    ];
    const agent = await connect(token, mesh.name);
    const { head } = await until(() => heads(agent.frames)[0]);
    await expect(
      createClient({ baseUrl: url, token: foreign }).bundle(head.bundle),
    ).rejects.toMatchObject({ code: "HDL7013" });
    await expect(client.bundle(head.bundle)).rejects.toMatchObject({ code: "HDL1014" });
  });

  it("refuses an agent that speaks no protocol of ours", async () => {
    const mesh = await newMesh();
    const { token } = await join(mesh.name, "a");
    const agent = await connect(token, mesh.name, { protocols: [99] });
    await until(() => (agent.closed() === 4403 ? true : undefined));
    expect(agent.frames).toMatchObject([{ type: "error", code: "HDL7003" }]);
  });
});

describe("replicas of an agent", () => {
  it("each have a link, and are one agent to everybody else", async () => {
    const mesh = await newMesh();
    const { token, agentId } = await join(mesh.name, "a");
    const alone = await connect(token, mesh.name);
    alone.socket.close();
    const first = await connect(token, mesh.name, {}, "pod-1");
    const second = await connect(token, mesh.name, {}, "pod-2");
    for (const { frames } of [first, second])
      await until(() => (frames.some(({ type }) => type === "welcome") ? true : undefined));
    await apply(mesh.name, 1);
    for (const { frames } of [first, second]) await until(() => heads(frames)[0]);
    expect([first.closed(), second.closed()]).toEqual([undefined, undefined]);

    const proxy = (name: string) => ({
      ...{ id: `sidecar~${name}`, name, type: "sidecar" as const, cohort: "stable" as const },
      ...{ connectedAt: new Date().toISOString(), acknowledged: 1, types: {} },
      state: "synced" as const,
    });
    first.send({ type: "proxies", reset: true, upserted: [proxy("web")], removed: [] });
    second.send({ type: "proxies", reset: true, upserted: [proxy("api")], removed: [] });
    const said = { number: 1, laggards: [], rejections: [] };
    first.send({ type: "ack", ...said, proxies: 1, acknowledged: 1 });
    second.send({ type: "ack", ...said, proxies: 1, acknowledged: 0 });
    const convergence = async () =>
      (
        await client.transport.json<{
          convergence: { state: string; proxies: number; acknowledged: number };
        }>("GET", `/v1/meshes/${mesh.name}`)
      ).convergence;
    await until(async () => ((await convergence()).proxies === 2 ? true : undefined));
    expect(await convergence()).toMatchObject({ state: "pending", acknowledged: 1 });
    const seen = async () => (await client.agents(mesh.name)).items;
    await until(async () => ((await seen())[0]?.proxies.length === 2 ? true : undefined));
    expect(await seen()).toMatchObject([{ id: agentId, connected: true, acknowledged: 0 }]);
    second.send({ type: "ack", ...said, proxies: 1, acknowledged: 1 });
    await until(async () => ((await convergence()).state === "applied" ? true : undefined));
    await until(async () => ((await seen())[0]?.acknowledged === 1 ? true : undefined));

    // The proxies of one that goes come to another: nobody waits for what it was.
    second.socket.close();
    await until(async () => ((await seen())[0]?.proxies.length === 1 ? true : undefined));
    expect(await seen()).toMatchObject([{ connected: true }]);
    first.socket.close();
    await until(async () => ((await seen())[0]?.connected === false ? true : undefined));
  });

  it("take each other's place under one name, and are not without number", async () => {
    const mesh = await newMesh();
    const { token } = await join(mesh.name, "a");
    const first = await connect(token, mesh.name, {}, "pod-1");
    await connect(token, mesh.name, {}, "pod-1");
    await until(() => (first.closed() === 4409 ? true : undefined));
    for (let i = 2; i <= 32; i++) await connect(token, mesh.name, {}, `pod-${i}`);
    const tooMany = await connect(token, mesh.name, {}, "pod-33");
    await until(() => (tooMany.closed() === 4403 ? true : undefined));
  });
});

describe("what is seen of agents", () => {
  it("is how far a revision has come, who is late, proxies, the cluster, and events of all that", async () => {
    const mesh = await newMesh();
    const { token, agentId } = await join(mesh.name, "a");
    const events: string[] = [];
    const abort = new AbortController();
    const reading = (async () => {
      for await (const { event, data } of client.events(mesh.name, abort.signal))
        events.push(`${event} ${data}`);
    })().catch(() => {});
    const agent = await connect(token, mesh.name);
    await until(() => (agent.frames.some(({ type }) => type === "welcome") ? true : undefined));
    await apply(mesh.name, 1);
    const convergence = async () =>
      (
        await client.transport.json<{
          convergence: { state: string; acknowledged: number; durationMs?: number };
        }>("GET", `/v1/meshes/${mesh.name}`)
      ).convergence;
    expect(await convergence()).toMatchObject({ state: "pending" });
    agent.send({
      type: "ack",
      number: 1,
      proxies: 2,
      acknowledged: 1,
      laggards: ["slow.default"],
      rejections: [],
    });
    await until(async () => ((await convergence()).acknowledged === 1 ? true : undefined));
    expect(await convergence()).toMatchObject({ state: "pending", proxies: 2 });
    agent.send({
      type: "ack",
      number: 1,
      proxies: 2,
      acknowledged: 2,
      laggards: [],
      rejections: [],
    });
    await until(async () => ((await convergence()).state === "applied" ? true : undefined));
    expect((await convergence()).durationMs).toBeGreaterThanOrEqual(0);

    const report = {
      id: "sidecar~1",
      name: "web.default",
      type: "sidecar" as const,
      cohort: "stable" as const,
      connectedAt: new Date().toISOString(),
      acknowledged: 1,
      state: "synced" as const,
      types: {},
    };
    agent.send({ type: "proxies", reset: true, upserted: [report], removed: [] });
    await until(async () => (await client.proxies(mesh.name)).items[0]);
    expect((await client.proxies(mesh.name)).items[0]).toMatchObject({
      name: "web.default",
      agent: "a",
      state: "synced",
    });
    const part = { services: [], workloads: [], objects: [], diagnostics: [] };
    const hash = "a".repeat(64);
    const service = {
      host: "web.default.svc.cluster.local",
      name: "web",
      namespace: "default",
      ports: [],
    };
    agent.send({ type: "summary", hash, part: 0, parts: 2, ...part, services: [service] });
    agent.send({
      type: "summary",
      hash,
      part: 1,
      parts: 2,
      ...part,
      objects: [{ key: "networking.istio.io/VirtualService/default/theirs" }],
    });
    await until(async () =>
      (await clusterSummary(deps, mesh.ref)).services.length === 1 ? true : undefined,
    );
    expect((await clusterSummary(deps, mesh.ref)).objects).toEqual([
      { key: "networking.istio.io/VirtualService/default/theirs", owner: "cluster:a" },
    ]);
    const theirs = {
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name: "theirs", namespace: "default" },
      spec: { hosts: ["web"], http: [{ route: [{ destination: { host: "web" } }] }] },
    };
    await expect(
      client.apply(mesh.name, { objects: [theirs], message: "x" }),
    ).rejects.toMatchObject({ code: "HDL1030" });

    agent.socket.close();
    await until(async () =>
      (await client.agents(mesh.name)).items[0]?.connected === false ? true : undefined,
    );
    expect((await client.agents(mesh.name)).items[0]).toMatchObject({
      id: agentId,
      acknowledged: 1,
      version: "1.0",
    });
    await until(() =>
      events.some((event) => event.includes('"connected":false')) ? true : undefined,
    );
    abort.abort();
    await reading;
    expect(events.map((event) => event.split(" ")[0])).toEqual(
      expect.arrayContaining(["agents", "revision", "convergence"]),
    );
    expect(events).toContainEqual(
      expect.stringMatching(/^convergence .*"acknowledged":2.*"state":"applied"/),
    );
    // What the plane has of the cluster, the agent need not say again.
    const again = await connect(token, mesh.name);
    expect(await until(() => again.frames.find(({ type }) => type === "welcome"))).toMatchObject({
      summary: hash,
    });
  });
});
