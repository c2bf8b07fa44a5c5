/** How a sidecar deals with its own application: connections, requests and retries at a time, and which HTTP it speaks. */
import type { ConnectionPoolSettings, IstioIngressListener } from "@heddle/model";
import { Agent } from "node:http";
import { connect } from "node:http2";
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { type CountingServer, startCountingServer } from "../../harness/counting-server.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { sidecar } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { startStuckServer, type StuckServer } from "../../harness/stuck-server.ts";
import { proves } from "../proves.ts";

const POOLED = "127.69.0.1";
const APPLICATION = "127.69.1.1";
const MUTE_PORT = 9500;
const STUCK_PORT = 9600;
const POOL = "ingress[].connectionPool";

const http2 = (http: ConnectionPoolSettings["http"] = {}) => ({
  protocol: "HTTP2",
  pool: { http },
});
/** Whoever shows a limit has a server of its own, so that nobody else's connections are counted. */
const PORTS = {
  plain: {},
  requests: { pool: { http: { http2MaxRequests: 2 } } },
  "per-connection": { pool: { http: { maxRequestsPerConnection: 3 } } },
  idle: { pool: { http: { idleTimeout: "300ms" } } },
  "idle-tcp": { pool: { tcp: { idleTimeout: "300ms" } } },
  duration: { pool: { tcp: { maxConnectionDuration: "300ms" } } },
  client: { pool: { http: { useClientProtocol: true } } },
  "http2-plain": http2(),
  "http2-client": http2({ useClientProtocol: true }),
  streams: http2({ maxConcurrentStreams: 1 }),
  alive: { ...http2({ http2KeepAlive: { interval: "200ms", timeout: "200ms" } }), to: MUTE_PORT },
  patient: { ...http2({ http2KeepAlive: { interval: "200ms", timeout: "30s" } }), to: MUTE_PORT },
  rarely: { ...http2({ http2KeepAlive: { interval: "30s", timeout: "200ms" } }), to: MUTE_PORT },
  impatient: { pool: { tcp: { connectTimeout: "300ms" } }, to: STUCK_PORT },
  retries: {
    pool: { tcp: { connectTimeout: "300ms" }, http: { maxRetries: 1 } },
    to: STUCK_PORT,
  },
  waiting: { to: STUCK_PORT },
} satisfies Readonly<
  Record<
    string,
    {
      readonly protocol?: string;
      readonly pool?: ConnectionPoolSettings;
      /** Where the application listens, if that is not a server of its own. */
      readonly to?: number;
    }
  >
>;
type Name = keyof typeof PORTS;
const NAMES = Object.keys(PORTS) as Name[];
const portOf = (name: Name) => 9000 + NAMES.indexOf(name);

function listener(name: Name): IstioIngressListener {
  const settings: { protocol?: string; pool?: ConnectionPoolSettings; to?: number } = PORTS[name];
  const { protocol = "HTTP", pool, to = portOf(name) } = settings;
  return {
    port: { number: portOf(name), protocol, name },
    defaultEndpoint: `127.0.0.1:${to}`,
    ...(pool ? { connectionPool: pool } : {}),
  };
}

describe.skipIf(!envoyBinary)("connection pools of a Sidecar's ingress", () => {
  const servers = new Map<Name, CountingServer>();
  let mute: Server;
  let stuck: StuckServer;
  beforeAll(async () => {
    for (const name of NAMES)
      if (!("to" in PORTS[name]))
        servers.set(name, await startCountingServer(name, APPLICATION, portOf(name)));
    // Speaks HTTP/2 as far as to say so, and then never again.
    mute = createServer((socket) =>
      socket
        .on("error", () => {})
        .resume()
        .write(SETTINGS),
    );
    await new Promise<void>((resolve) => mute.listen(MUTE_PORT, APPLICATION, resolve));
    stuck = await startStuckServer(APPLICATION, STUCK_PORT);
  });
  afterAll(async () => {
    await Promise.all([...servers.values()].map((server) => server.stop()));
    await new Promise((resolve) => mute.close(resolve));
    stuck.stop();
  });
  startedMesh({
    workloads: { pooled: { address: POOLED, ports: [8000] } },
    objects: [
      sidecar("pooled", {
        workloadSelector: { labels: { app: "pooled" } },
        ingress: NAMES.map(listener),
      }),
    ],
  });

  const server = (name: Name) => servers.get(name) as CountingServer;
  const get = (name: Name, path = "/", headers: Readonly<Record<string, string>> = {}) =>
    ask(POOLED, portOf(name), "pooled", path, { headers });
  const statusesOf = async (name: Name, count: number, path = "/slow/400") => {
    const answers = await Promise.all(Array.from({ length: count }, () => get(name, path)));
    return answers.map(({ status }) => status).toSorted();
  };
  const connectionsOf = async (name: Name, count: number, pauseMs = 0) => {
    const seen: string[] = [];
    for (let i = 0; i < count; i++) {
      seen.push((await get(name)).headers["x-connection"] ?? "");
      await sleep(pauseMs);
    }
    return seen;
  };
  /** What comes of a request within a second and a half. */
  const soon = async (name: Name) => {
    const agent = new Agent();
    const answer = ask(POOLED, portOf(name), "pooled", "/", { agent }).then(
      ({ status }) => status,
      () => "given up",
    );
    const first = await Promise.race([answer, sleep(1500, "waiting")]);
    agent.destroy();
    return first;
  };

  proves(
    "Sidecar",
    [`${POOL}.http.http2MaxRequests`],
    "sends its application no more requests at a time",
    async () => {
      expect(await statusesOf("requests", 5)).toEqual([200, 200, 503, 503, 503]);
      expect(await statusesOf("plain", 5)).toEqual([200, 200, 200, 200, 200]);
    },
  );

  proves(
    "Sidecar",
    [`${POOL}.http.maxRequestsPerConnection`],
    "takes a new connection after so many requests",
    async () => {
      expect(await connectionsOf("per-connection", 7)).toEqual(["1", "1", "1", "2", "2", "2", "3"]);
      expect(new Set(await connectionsOf("plain", 7)).size).toBe(1);
    },
  );

  proves("Sidecar", [`${POOL}.http.maxRetries`], "has no more retries under way", async () => {
    // A request that its application took no connection for is tried twice again.
    const takenMs = async (name: Name) => {
      const start = Date.now();
      const each = async () => {
        expect((await get(name)).status).toBe(503);
        return Date.now() - start;
      };
      const all = await Promise.all(Array.from({ length: 4 }, each));
      return all.map((ms) => (ms < 600 ? "once" : "again")).toSorted();
    };
    expect(await takenMs("impatient")).toEqual(["again", "again", "again", "again"]);
    expect(await takenMs("retries")).toEqual(["again", "once", "once", "once"]);
  });

  proves(
    "Sidecar",
    [`${POOL}.http.idleTimeout`, `${POOL}.tcp.idleTimeout`],
    "closes connections on which nothing happens",
    async () => {
      for (const name of ["idle", "idle-tcp", "plain"] as const) await get(name);
      expect(server("idle").connections).toBe(1);
      await expect.poll(() => server("idle").open, { timeout: 3000 }).toBe(0);
      await expect.poll(() => server("idle-tcp").open, { timeout: 3000 }).toBe(0);
      expect(server("plain").open).toBeGreaterThan(0);
    },
  );

  proves(
    "Sidecar",
    [`${POOL}.tcp.maxConnectionDuration`],
    "takes a new connection when one has had its time",
    async () => {
      expect(new Set(await connectionsOf("duration", 8, 150)).size).toBeGreaterThan(2);
      expect(new Set(await connectionsOf("plain", 8, 150)).size).toBe(1);
    },
  );

  proves(
    "Sidecar",
    [`${POOL}.tcp.connectTimeout`],
    "gives up an application that does not take its connection in time",
    async () => {
      expect(await Promise.all([soon("impatient"), soon("waiting")])).toEqual([503, "waiting"]);
    },
  );

  proves(
    "Sidecar",
    [`${POOL}.http.useClientProtocol`],
    "speaks to the application as its client does",
    async () => {
      const overHttp2 = (name: Name) =>
        new Promise<unknown>((resolve, reject) => {
          const session = connect(`http://${POOLED}:${portOf(name)}`);
          session.on("error", reject);
          session
            .request({ ":authority": "pooled", ":path": "/" })
            .on("response", (headers) => resolve(headers["x-protocol"]))
            .on("close", () => session.close())
            .resume();
        });
      const overHttp1 = async (name: Name) => (await get(name)).headers["x-protocol"];
      expect([await overHttp1("client"), await overHttp2("client")]).toEqual(["1.1", "2.0"]);
      expect([await overHttp1("plain"), await overHttp2("plain")]).toEqual(["1.1", "1.1"]);
      expect([await overHttp1("http2-client"), await overHttp1("http2-plain")]).toEqual([
        "1.1",
        "2.0",
      ]);
    },
  );

  proves(
    "Sidecar",
    [`${POOL}.http.maxConcurrentStreams`],
    "has no more streams on a connection",
    async () => {
      server("http2-plain").reset();
      expect(await statusesOf("streams", 4)).toEqual([200, 200, 200, 200]);
      expect(server("streams").mostOpen).toBe(4);
      expect(await statusesOf("http2-plain", 4)).toEqual([200, 200, 200, 200]);
      expect(server("http2-plain").mostOpen).toBe(1);
    },
  );

  proves(
    "Sidecar",
    [`${POOL}.http.http2KeepAlive.interval`, `${POOL}.http.http2KeepAlive.timeout`],
    "gives up a connection whose other end no longer answers, and asks as often as it is told",
    async () => {
      expect(await Promise.all((["alive", "patient", "rarely"] as const).map(soon))).toEqual([
        503,
        "waiting",
        "waiting",
      ]);
    },
  );
});

/** An empty SETTINGS frame. */
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
