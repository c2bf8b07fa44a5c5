/** What an API server, or what stands between it and the agent, does wrong now and then; played by a server of the test's own. */
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../../testing/envoy-pod.ts";
import { createApiServer } from "./api.ts";
import { nameOf, type Reflector, startReflector } from "./reflector.ts";

/** Answers one request; `turn` counts the requests of its sort from 0. */
type Play = (response: ServerResponse, turn: number, url: URL) => void;

let server: Server | undefined;
let reflector: Reflector | undefined;
afterEach(async () => {
  await reflector?.close();
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  [server, reflector] = [undefined, undefined];
});

const object = (name: string, resourceVersion: string) => ({ metadata: { name, resourceVersion } });
const json = (response: ServerResponse, value: object, status = 200) =>
  void response
    .writeHead(status, { "content-type": "application/json" })
    .end(JSON.stringify(value));
const listOf =
  (version: string, ...names: string[]): Play =>
  (response) =>
    json(response, {
      metadata: { resourceVersion: version },
      items: names.map((name) => object(name, version)),
    });
const event = (type: string, value: object) => `${JSON.stringify({ type, object: value })}\n`;
const status = (code: number, reason: string) => ({
  kind: "Status",
  message: reason,
  code,
  reason,
});

async function follow(
  { list, watch }: { list: Play; watch: Play },
  options: { silence?: number } = {},
) {
  const asked: string[] = [];
  const turns = { list: 0, watch: 0 };
  const started = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://test");
    const sort = url.searchParams.has("watch") ? "watch" : "list";
    asked.push(sort === "watch" ? `watch ${url.searchParams.get("resourceVersion")}` : "list");
    (sort === "watch" ? watch : list)(response, turns[sort]++, url);
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  const { port } = started.address() as AddressInfo;
  const held = new Set<string>();
  reflector = startReflector({
    ...{ path: "/api/v1/things", changed() {}, random: () => 0.01, ...options },
    api: createApiServer({
      server: new URL(`http://127.0.0.1:${port}`),
      options: () => Promise.resolve({}),
    }),
    target: {
      put: (raw) => void held.add(nameOf(raw)),
      remove: (raw) => void held.delete(nameOf(raw)),
      only(names) {
        for (const name of held) if (!names.has(name)) held.delete(name);
      },
    },
  });
  const running = reflector;
  return { asked, held, state: () => running.state() };
}

/** An open watch. */
const open = (response: ServerResponse) => response.writeHead(200).flushHeaders();
const hold: Play = (response) => open(response);

describe("following a kind", () => {
  it("goes on from the last bookmark when the server ends a watch, without listing again", async () => {
    const { asked, held } = await follow({
      list: listOf("5", "a"),
      watch(response, turn) {
        open(response);
        if (turn > 0) return;
        response.write(event("ADDED", object("b", "7")));
        response.write(event("DELETED", object("a", "8")));
        response.end(event("BOOKMARK", object("", "12")));
      },
    });
    await until(() => asked.length === 3, 5_000);
    expect(asked).toEqual(["list", "watch 5", "watch 12"]);
    expect([...held]).toEqual(["/b"]);
  });

  it("lists again where a place has expired, said by status or in the watch, and sees what went", async () => {
    const { asked, held } = await follow({
      list: (response, turn, url) =>
        listOf(`${turn}0`, ...["a", "b", "c"].slice(turn))(response, turn, url),
      watch(response, turn) {
        if (turn === 0) return json(response, status(410, "Expired"), 410);
        open(response);
        if (turn === 1) response.write(event("ERROR", status(410, "Expired")));
      },
    });
    await until(() => asked.length === 6, 5_000);
    expect(asked).toEqual(["list", "watch 00", "list", "watch 10", "list", "watch 20"]);
    expect([...held]).toEqual(["/c"]);
  });

  it("lists again where watches end at once, again and again, as some servers do instead of 410", async () => {
    const { asked } = await follow({
      list: listOf("5"),
      watch(response, turn) {
        if (turn < 3) response.destroy();
        else open(response);
      },
    });
    await until(() => asked.length === 6, 5_000);
    expect(asked).toEqual(["list", "watch 5", "watch 5", "watch 5", "list", "watch 5"]);
  });

  it("lists again after an event that it cannot read, or an error without a name", async () => {
    const { asked } = await follow({
      list: listOf("5"),
      watch(response, turn) {
        open(response);
        if (turn === 0) response.write("{ half\n");
        if (turn === 1) response.write(event("ERROR", status(500, "Internal")));
      },
    });
    await until(() => asked.length === 6, 5_000);
    expect(asked.filter((each) => each === "list")).toHaveLength(3);
  });

  it("gives up a watch whose other end is silent, and goes on from its place", async () => {
    const { asked, state } = await follow({ list: listOf("5"), watch: hold }, { silence: 60 });
    await until(() => asked.length === 3, 5_000);
    expect(asked).toEqual(["list", "watch 5", "watch 5"]);
    expect(state().listed).toBe(true);
  });

  it("waits as long as a busy server asks, and keeps its place meanwhile", async () => {
    const times: number[] = [];
    const { asked } = await follow({
      list: listOf("5"),
      watch(response, turn) {
        times.push(performance.now());
        if (turn > 0) return hold(response, turn, new URL("http://test"));
        response.writeHead(429, { "retry-after": "1" }).end();
      },
    });
    await until(() => asked.length === 3, 10_000);
    expect(asked).toEqual(["list", "watch 5", "watch 5"]);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(950);
  });

  it("reads pages, and begins anew where the rest of them has expired", async () => {
    const { asked, held } = await follow({
      list(response, turn, url) {
        const page = url.searchParams.get("continue");
        if (turn === 1) return json(response, status(410, "Expired"), 410);
        const metadata = { resourceVersion: "5", ...(page ? {} : { continue: "next" }) };
        json(response, { metadata, items: [object(page ? "b" : "a", "5")] });
      },
      watch: hold,
    });
    await until(() => asked.length === 5, 5_000);
    expect(asked).toEqual(["list", "list", "list", "list", "watch 5"]);
    expect([...held]).toEqual(["/a", "/b"]);
  });

  it("reads an event whose characters come in pieces", async () => {
    const line = Buffer.from(event("ADDED", object("fär-größer", "6")));
    const { held } = await follow({
      list: listOf("5"),
      watch(response) {
        open(response);
        let at = 0;
        const next = () => {
          response.write(line.subarray(at, ++at));
          if (at < line.length) setImmediate(next);
        };
        next();
      },
    });
    await until(() => held.has("/fär-größer"), 5_000);
  });

  it("asks less and less often where it is refused", async () => {
    const { asked, state } = await follow({
      list: (response) => json(response, { ...status(403, "Forbidden"), message: "no" }, 403),
      watch: hold,
    });
    await until(() => asked.length >= 4, 10_000);
    expect(state()).toMatchObject({ listed: false, failure: { status: 403, message: "no" } });
    await until(() => state().attempts >= 8, 10_000);
    const before = asked.length;
    await new Promise((resolve) => setTimeout(resolve, 60));
    // By now up to 12 s times the 0.01 that chance is here.
    expect(asked.length - before).toBeLessThan(3);
  });
});
