/** How many connections, requests and retries a client has under way, and how long it keeps its connections. */
import type { ConnectionPoolSettings, MeshObject, TrafficPolicy } from "@heddle/model";
import { Agent } from "node:http";
import { connect } from "node:http2";
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { type CountingServer, startCountingServer } from "../../harness/counting-server.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { destinationRule, service, virtualService } from "../../harness/objects.ts";
import { proves } from "../proves.ts";

const CLIENT = "127.81.0.1";
const SERVER = "127.81.0.2";
const MUTE = "127.81.0.3";
const TCP = "trafficPolicy.connectionPool.tcp";
const HTTP = "trafficPolicy.connectionPool.http";
/** Whoever shows a limit has a server of its own, so that nobody else's connections are counted. */
const POLICIES: Readonly<Record<string, TrafficPolicy>> = {
  plain: {},
  connections: { connectionPool: { tcp: { maxConnections: 2 } } },
  pending: {
    connectionPool: { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } },
  },
  requests: { connectionPool: { http: { http2MaxRequests: 2 } } },
  zero: {
    connectionPool: {
      tcp: { maxConnections: 0 },
      http: { http1MaxPendingRequests: 0, http2MaxRequests: 0, maxRetries: 0 },
    },
  },
  "per-connection": { connectionPool: { http: { maxRequestsPerConnection: 3 } } },
  retries: { connectionPool: { http: { maxRetries: 1 } } },
  "budget-all": { retryBudget: { percent: 100 } },
  "budget-none": { retryBudget: { percent: 0, minRetryConcurrency: 1 } },
  "budget-some": { retryBudget: { percent: 0, minRetryConcurrency: 50 } },
  "budget-recent": {
    retryBudget: { percent: 30, minRetryConcurrency: 1, budgetInterval: "20s" },
  },
  "budget-now": { retryBudget: { percent: 30, minRetryConcurrency: 1 } },
  idle: { connectionPool: { http: { idleTimeout: "300ms" } } },
  "idle-tcp": { connectionPool: { tcp: { idleTimeout: "300ms" } } },
  duration: { connectionPool: { tcp: { maxConnectionDuration: "300ms" } } },
  default: { connectionPool: { http: { h2UpgradePolicy: "DEFAULT" } } },
  "no-upgrade": { connectionPool: { http: { h2UpgradePolicy: "DO_NOT_UPGRADE" } } },
  upgrade: { connectionPool: { http: { h2UpgradePolicy: "UPGRADE" } } },
  streams: { connectionPool: { http: { h2UpgradePolicy: "UPGRADE", maxConcurrentStreams: 1 } } },
  client: { connectionPool: { http: { useClientProtocol: true } } },
};
const NAMES = Object.keys(POLICIES);
const portOf = (name: string) => 9000 + NAMES.indexOf(name);

const pool = (
  name: string,
  trafficPolicy: TrafficPolicy,
  target: number,
  address = SERVER,
): readonly MeshObject[] => [
  ...service(name, [{ name: "http", port: 80, targetPort: target }], [address], {
    clusterIP: "10.0.0.1",
  }),
  virtualService(name, {
    hosts: [name],
    http: [
      {
        match: [{ uri: { prefix: "/status" } }],
        retries: { attempts: 4, retryOn: "5xx" },
        route: [{ destination: { host: name } }],
      },
      { retries: { attempts: 0 }, route: [{ destination: { host: name } }] },
    ],
  }),
  ...(Object.keys(trafficPolicy).length > 0
    ? [destinationRule(name, { host: name, trafficPolicy })]
    : []),
];
const keepAlive = (settings: ConnectionPoolSettings["http"]): TrafficPolicy => ({
  connectionPool: { http: { h2UpgradePolicy: "UPGRADE", ...settings } },
});

describe.skipIf(!envoyBinary)("connection pools", () => {
  const servers = new Map<string, CountingServer>();
  let mute: Server;
  beforeAll(async () => {
    for (const name of NAMES)
      servers.set(name, await startCountingServer(name, SERVER, portOf(name)));
    // Speaks HTTP/2 as far as to say so, and then never again.
    mute = createServer((socket) =>
      socket
        .on("error", () => {})
        .resume()
        .write(SETTINGS),
    );
    await new Promise<void>((resolve) => mute.listen(9000, MUTE, resolve));
  });
  afterAll(async () => {
    await Promise.all([...servers.values()].map((server) => server.stop()));
    await new Promise((resolve) => mute.close(resolve));
  });
  const mesh = startedMesh({
    workloads: { client: { address: CLIENT } },
    objects: [
      ...NAMES.flatMap((name) => pool(name, POLICIES[name] ?? {}, portOf(name))),
      ...pool(
        "alive",
        keepAlive({ http2KeepAlive: { interval: "200ms", timeout: "200ms" } }),
        9000,
        MUTE,
      ),
      ...pool(
        "patient",
        keepAlive({ http2KeepAlive: { interval: "200ms", timeout: "30s" } }),
        9000,
        MUTE,
      ),
      ...pool(
        "rarely",
        keepAlive({ http2KeepAlive: { interval: "30s", timeout: "200ms" } }),
        9000,
        MUTE,
      ),
    ],
  });

  const server = (name: string) => servers.get(name) as CountingServer;
  const get = (name: string, path = "/") => mesh.get("client", `${name}:80`, path);
  /** Statuses of requests sent at once, sorted. */
  const statusesOf = async (name: string, count: number, path = "/slow/400") => {
    const answers = await Promise.all(Array.from({ length: count }, () => get(name, path)));
    return answers.map(({ status }) => status).toSorted();
  };
  const passed = async (name: string, count: number, path?: string) =>
    (await statusesOf(name, count, path)).filter((status) => status === 200).length;
  const connectionsOf = async (name: string, count: number, pauseMs = 0) => {
    const seen: string[] = [];
    for (let i = 0; i < count; i++) {
      seen.push((await get(name)).headers["x-connection"] ?? "");
      await sleep(pauseMs);
    }
    return seen;
  };

  proves(
    "DestinationRule",
    [`${TCP}.maxConnections`],
    "has no more connections than that",
    async () => {
      expect(await passed("connections", 6)).toBe(6);
      expect(server("connections").mostOpen).toBe(2);
      expect(await passed("plain", 6)).toBe(6);
      expect(server("plain").mostOpen).toBe(6);
    },
  );

  proves(
    "DestinationRule",
    [`${HTTP}.http1MaxPendingRequests`],
    "lets no more requests wait for a connection than that",
    async () => {
      // A request waits also while its connection is made.
      await get("pending");
      expect(await statusesOf("pending", 5)).toEqual([200, 200, 503, 503, 503]);
    },
  );

  proves(
    "DestinationRule",
    [`${HTTP}.http2MaxRequests`],
    "has no more requests under way",
    async () => {
      expect(await statusesOf("requests", 5)).toEqual([200, 200, 503, 503, 503]);
      expect(await passed("zero", 20)).toBe(20);
    },
  );

  proves(
    "DestinationRule",
    [`${HTTP}.maxRequestsPerConnection`],
    "takes a new connection after so many requests",
    async () => {
      expect(await connectionsOf("per-connection", 7)).toEqual(["1", "1", "1", "2", "2", "2", "3"]);
      expect(new Set(await connectionsOf("plain", 7)).size).toBe(1);
    },
  );

  const failures = async (name: string) => {
    server(name).reset();
    await statusesOf(name, 20, "/status/503");
    return server(name).requests;
  };
  proves("DestinationRule", [`${HTTP}.maxRetries`], "has no more retries under way", async () => {
    expect(await failures("plain")).toBe(100);
    expect(await failures("zero")).toBe(100);
    expect(await failures("retries")).toBeLessThan(50);
  });

  proves(
    "DestinationRule",
    ["trafficPolicy.retryBudget.percent", "trafficPolicy.retryBudget.minRetryConcurrency"],
    "has no more retries under way than a part of the requests, and always as many as the minimum",
    async () => {
      const besideOthers = async (name: string) => {
        const before = server(name).requests;
        const others = passed(name, 60, "/slow/1500");
        await expect.poll(() => server(name).requests - before).toBe(60);
        const count = await failures(name);
        await others;
        return count;
      };
      expect(await besideOthers("budget-all")).toBe(100);
      expect(await besideOthers("budget-none")).toBeLessThan(50);
      expect(await failures("budget-some")).toBe(100);
    },
  );

  proves(
    "DestinationRule",
    ["trafficPolicy.retryBudget.budgetInterval"],
    "counts the requests of an interval, and not only those under way",
    async () => {
      for (const name of ["budget-recent", "budget-now"]) await passed(name, 100, "/");
      expect(await failures("budget-recent")).toBe(100);
      expect(await failures("budget-now")).toBeLessThan(90);
    },
  );

  proves(
    "DestinationRule",
    [`${HTTP}.idleTimeout`, `${TCP}.idleTimeout`],
    "closes connections on which nothing happens",
    async () => {
      for (const name of ["idle", "idle-tcp", "plain"]) await get(name);
      expect(server("idle").open).toBe(1);
      await expect.poll(() => server("idle").open, { timeout: 3000 }).toBe(0);
      await expect.poll(() => server("idle-tcp").open, { timeout: 3000 }).toBe(0);
      expect(server("plain").open).toBeGreaterThan(0);
    },
  );

  proves(
    "DestinationRule",
    [`${TCP}.maxConnectionDuration`],
    "takes a new connection when one has had its time",
    async () => {
      expect(new Set(await connectionsOf("duration", 8, 150)).size).toBeGreaterThan(2);
      expect(new Set(await connectionsOf("plain", 8, 150)).size).toBe(1);
    },
  );

  const protocolOf = async (name: string) => (await get(name)).headers["x-protocol"];
  proves(
    "DestinationRule",
    [`${HTTP}.h2UpgradePolicy={DEFAULT,DO_NOT_UPGRADE,UPGRADE}`],
    "speaks HTTP/2 to a port of HTTP/1.1 where it is told to",
    async () => {
      expect(await protocolOf("upgrade")).toBe("2.0");
      expect(await protocolOf("default")).toBe("1.1");
      expect(await protocolOf("no-upgrade")).toBe("1.1");
    },
  );

  proves(
    "DestinationRule",
    [`${HTTP}.useClientProtocol`],
    "speaks what its client speaks",
    async () => {
      const overHttp2 = (name: string) =>
        new Promise<unknown>((resolve, reject) => {
          const session = connect(`http://${CLIENT}:15001`);
          session.on("error", reject);
          session
            .request({ ":authority": `${name}:80`, ":path": "/" })
            .on("response", (headers) => resolve(headers["x-protocol"]))
            .on("close", () => session.close())
            .resume();
        });
      expect(await overHttp2("client")).toBe("2.0");
      expect(await protocolOf("client")).toBe("1.1");
      expect(await overHttp2("plain")).toBe("1.1");
    },
  );

  proves(
    "DestinationRule",
    [`${HTTP}.maxConcurrentStreams`],
    "has no more streams on a connection",
    async () => {
      expect(await passed("streams", 4)).toBe(4);
      expect(server("streams").mostOpen).toBe(4);
      expect(await passed("upgrade", 4)).toBe(4);
      expect(server("upgrade").mostOpen).toBe(1);
    },
  );

  proves(
    "DestinationRule",
    [`${HTTP}.http2KeepAlive.interval`, `${HTTP}.http2KeepAlive.timeout`],
    "gives up a connection whose other end no longer answers, and asks as often as it is told",
    async () => {
      const ended = async (name: string) => {
        const agent = new Agent();
        const answer = mesh.get("client", `${name}:80`, "/", { agent }).then(
          ({ status }) => status,
          () => "given up",
        );
        const first = await Promise.race([answer, sleep(1500, "waiting")]);
        agent.destroy();
        return first;
      };
      expect(await ended("alive")).toBe(503);
      expect(await ended("patient")).toBe("waiting");
      expect(await ended("rarely")).toBe("waiting");
    },
  );
});

/** An empty SETTINGS frame. */
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
