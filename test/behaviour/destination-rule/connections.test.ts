/** What a rule says of connections that carry no HTTP, by an Envoy that they are led to as iptables would. */
import type { MeshObject, TrafficPolicy } from "@heddle/model";
import { once } from "node:events";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { connectThrough } from "../../harness/intercepted.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { destinationRule, service } from "../../harness/objects.ts";
import { startStuckServer, type StuckServer } from "../../harness/stuck-server.ts";
import { proves } from "../proves.ts";

const CLIENT = "127.85.0.1";
const SERVERS = ["127.85.0.2", "127.85.0.3"] as const;
const FORWARD_PROXY = "127.85.0.4";
const DIRECT = "127.85.0.5";
const STUCK = "127.85.0.6";
const PORT = 7000;
const SOURCE = "10.99.0.1:40000";

const POLICIES: Readonly<Record<string, TrafficPolicy>> = {
  plain: {},
  idle: { connectionPool: { tcp: { idleTimeout: "300ms" } } },
  short: { connectionPool: { tcp: { maxConnectionDuration: "300ms" } } },
  source: { loadBalancer: { consistentHash: { useSourceIp: true } } },
  v1: { proxyProtocol: { version: "V1" } },
  v2: { proxyProtocol: { version: "V2" } },
  unversioned: { proxyProtocol: {} },
};
const TUNNELS: Readonly<Record<string, TrafficPolicy>> = {
  connect: { tunnel: { targetHost: "db.example.com", targetPort: 5432 } },
  "connect-named": {
    tunnel: { protocol: "CONNECT", targetHost: "db.example.com", targetPort: 5433 },
  },
  post: { tunnel: { protocol: "POST", targetHost: "db.example.com", targetPort: 5434 } },
};
const STALLING: Readonly<Record<string, TrafficPolicy>> = {
  impatient: { connectionPool: { tcp: { connectTimeout: "300ms" } } },
  patient: {},
};
const NAMES = [...Object.keys(POLICIES), ...Object.keys(TUNNELS), ...Object.keys(STALLING)];
const addressOf = (name: string) => `10.85.0.${NAMES.indexOf(name) + 1}`;

const ruled = (
  policies: Readonly<Record<string, TrafficPolicy>>,
  addresses: readonly string[],
): readonly MeshObject[] =>
  Object.entries(policies).flatMap(([name, trafficPolicy]) => [
    ...service(name, [{ name: "tcp", port: PORT }], addresses, { clusterIP: addressOf(name) }),
    ...(Object.keys(trafficPolicy).length > 0
      ? [destinationRule(name, { host: name, trafficPolicy })]
      : []),
  ]);

/** Says who it is, and then repeats what it is told. */
const echoing = (name: string) =>
  createServer((socket) => {
    socket.on("error", () => {});
    socket.write(`${name}:`);
    socket.pipe(socket);
  });

describe.skipIf(!envoyBinary)("connections", () => {
  const servers: (Server | HttpServer)[] = [];
  const asked: string[] = [];
  let stuck: StuckServer;
  beforeAll(async () => {
    for (const address of [...SERVERS, DIRECT]) {
      const server = echoing(address);
      server.listen(PORT, address);
      servers.push(server);
    }
    const proxy = createHttpServer((request, response) => {
      asked.push(`${request.method} ${request.headers.host}`);
      response.write("tunnel:");
      request.pipe(response);
    });
    proxy.on("connect", (request, socket: Socket) => {
      asked.push(`CONNECT ${request.url}`);
      socket.on("error", () => {});
      socket.write("HTTP/1.1 200 OK\r\n\r\ntunnel:");
      socket.pipe(socket);
    });
    proxy.listen(PORT, FORWARD_PROXY);
    servers.push(proxy);
    stuck = await startStuckServer(STUCK, PORT);
  });
  afterAll(() => {
    stuck.stop();
    for (const socket of opened) socket.destroy();
    for (const server of servers) server.close();
  });
  startedMesh({
    workloads: { client: { address: CLIENT, interception: "REDIRECT" } },
    objects: [
      ...ruled(POLICIES, SERVERS),
      ...ruled(TUNNELS, [FORWARD_PROXY]),
      ...ruled(STALLING, [STUCK]),
      ...service("passed", [{ name: "tcp", port: PORT }], [SERVERS[0]], { clusterIP: DIRECT }),
      destinationRule("passed", {
        host: "passed",
        trafficPolicy: { loadBalancer: { simple: "PASSTHROUGH" } },
      }),
    ],
  });

  const opened: Socket[] = [];
  const open = async (to: string, from = SOURCE) => {
    const socket = await connectThrough(CLIENT, { to: `${to}:${PORT}`, from });
    opened.push(socket);
    return socket.on("error", () => {});
  };
  /** What comes back for what is said, until nothing more comes for a while. */
  const talk = async (to: string, said: string, from?: string) => {
    const socket = await open(to, from);
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.write(said);
    await expect
      .poll(() => Buffer.concat(chunks).toString("latin1"), { timeout: 3000 })
      .toContain(said);
    socket.destroy();
    return Buffer.concat(chunks);
  };
  /** How many milliseconds the connection stays while something is said every so often; at most a second and a half. */
  const lifetime = async (name: string, everyMs: number) => {
    const socket = await open(addressOf(name));
    const start = Date.now();
    const chatter = setInterval(() => socket.write("."), everyMs);
    await Promise.race([once(socket.resume(), "close"), sleep(1500)]);
    clearInterval(chatter);
    return Date.now() - start;
  };

  proves(
    "DestinationRule",
    [
      "trafficPolicy.tunnel.protocol",
      "trafficPolicy.tunnel.targetHost",
      "trafficPolicy.tunnel.targetPort",
    ],
    "go through an HTTP proxy by CONNECT or POST, to the host and port that are named",
    async () => {
      expect(String(await talk(addressOf("connect"), "one"))).toBe("tunnel:one");
      expect(String(await talk(addressOf("connect-named"), "two"))).toBe("tunnel:two");
      expect(String(await talk(addressOf("post"), "three"))).toBe("tunnel:three");
      expect(asked).toEqual([
        "CONNECT db.example.com:5432",
        "CONNECT db.example.com:5433",
        "POST db.example.com:5434",
      ]);
    },
  );

  proves(
    "DestinationRule",
    ["trafficPolicy.proxyProtocol.version={V1,V2}"],
    "begin with a PROXY header that says who connected",
    async () => {
      for (const name of ["v1", "unversioned"]) {
        expect(String(await talk(addressOf(name), "hi")), name).toMatch(
          /:PROXY TCP4 10\.99\.0\.1 10\.85\.0\.\d+ 40000 7000\r\nhi$/,
        );
      }
      const bytes = await talk(addressOf("v2"), "hi");
      expect(bytes.toString("hex")).toContain(V2_SIGNATURE);
      expect(bytes.includes(Buffer.from([10, 99, 0, 1]))).toBe(true);
      expect(String(await talk(addressOf("plain"), "hi"))).toMatch(/:hi$/);
    },
  );

  proves(
    "DestinationRule",
    ["trafficPolicy.loadBalancer.consistentHash.useSourceIp"],
    "from one address go to one endpoint",
    async () => {
      const sources = Array.from({ length: 16 }, (_, i) => `10.99.1.${i + 1}`);
      const endpoints = (name: string, port: number) =>
        Promise.all(
          sources.map(async (source) =>
            String(await talk(addressOf(name), "x", `${source}:${port}`)),
          ),
        );
      const first = await endpoints("source", 40_000);
      expect(new Set(first).size).toBe(2);
      expect(await endpoints("source", 40_001)).toEqual(first);
      expect(await endpoints("plain", 40_000)).not.toEqual(await endpoints("plain", 40_001));
    },
  );

  proves(
    "DestinationRule",
    ["trafficPolicy.loadBalancer.simple=PASSTHROUGH"],
    "go where the application was going, whatever the endpoints are",
    async () => expect(String(await talk(DIRECT, "x"))).toBe(`${DIRECT}:x`),
  );

  proves(
    "DestinationRule",
    ["trafficPolicy.connectionPool.tcp.idleTimeout"],
    "are closed when nothing has been said for a while",
    async () => {
      expect(await lifetime("idle", 10_000)).toBeLessThan(1200);
      expect(await lifetime("idle", 100)).toBeGreaterThan(1400);
      expect(await lifetime("plain", 10_000)).toBeGreaterThan(1400);
    },
  );

  proves(
    "DestinationRule",
    ["trafficPolicy.connectionPool.tcp.maxConnectionDuration"],
    "are closed when they have had their time, whatever is said",
    async () => expect(await lifetime("short", 100)).toBeLessThan(1200),
  );

  proves(
    "DestinationRule",
    ["trafficPolicy.connectionPool.tcp.connectTimeout"],
    "are given up when the endpoint does not take them in time",
    async () => {
      expect(await lifetime("impatient", 10_000)).toBeLessThan(1200);
      expect(await lifetime("patient", 10_000)).toBeGreaterThan(1400);
    },
  );
});

/** With which a PROXY header of version 2 begins. */
const V2_SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n").toString("hex");
