/** Every protocol, told by a port's name, by appProtocol, or found out: from sidecar to sidecar, and at a gateway. */
import { connect } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthority } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startGreeter } from "../../harness/bytes.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gateway, object, type Port, service, virtualService } from "../../harness/objects.ts";
import {
  askHttp1,
  askHttp2,
  converse,
  grpcClient,
  type HttpOutcome,
  type Seen,
  type Speaker,
  startEcho,
  startGrpc,
  startHttp1,
  startHttp2,
  startRelay,
  webSocket,
} from "../../harness/protocols.ts";

const CLIENT = "127.202.0.1";
const SERVER = "127.202.0.2";
const APPLICATION = "127.202.1.2";
const EDGE = "127.202.0.3";
const RELAYS = "127.202.9.1";
const PODS = ["127.202.0.5", "127.202.0.6"] as const;
const VIP = "10.202.0.1";
const VIP_6 = "fd00:202::1";
const HOST = "srv.default.svc.cluster.local";

/** By port: what the application there speaks, and how the port says so. */
const PORTS: readonly (Port & {
  readonly speaks: "http1" | "http2" | "grpc" | "bytes" | "tls" | "greeting";
})[] = [
  { port: 8001, name: "http-web", speaks: "http1" },
  { port: 8002, name: "http2", speaks: "http2" },
  { port: 8003, name: "grpc-api", speaks: "grpc" },
  { port: 8004, name: "tcp-web", speaks: "http1" },
  { port: 8005, name: "tcp", speaks: "bytes" },
  { port: 8006, name: "https", speaks: "tls" },
  { port: 8007, name: "tls-x", speaks: "tls" },
  { port: 8011, name: "found-http1", speaks: "http1" },
  { port: 8012, name: "found-http2", speaks: "http2" },
  { port: 8013, name: "found-grpc", speaks: "grpc" },
  { port: 8014, name: "found-bytes", speaks: "bytes" },
  { port: 8015, name: "found-tls", speaks: "tls" },
  { port: 3306, name: "server-first", speaks: "greeting" },
  { port: 8021, name: "told-http", appProtocol: "http", speaks: "http1" },
  { port: 8022, name: "told-h2c", appProtocol: "kubernetes.io/h2c", speaks: "http2" },
  { port: 8023, name: "told-ws", appProtocol: "kubernetes.io/ws", speaks: "http1" },
  { port: 8024, name: "told-wss", appProtocol: "kubernetes.io/wss", speaks: "tls" },
  { port: 8025, name: "told-grpc", appProtocol: "grpc", speaks: "grpc" },
  { port: 8026, name: "http-but-told-tcp", appProtocol: "tcp", speaks: "http1" },
  { port: 8027, name: "told-https", appProtocol: "https", speaks: "tls" },
  {
    port: 8028,
    name: "http-told-what-nobody-knows",
    appProtocol: "example.com/own",
    speaks: "http2",
  },
];

const plain = PORTS.map(({ speaks: _speaks, ...port }) => port);
const routed = { headers: { response: { set: { "x-routed": "yes" } } } };

describe.skipIf(!envoyBinary)("protocols", () => {
  const open: Speaker[] = [];
  startedMesh({
    workloads: {
      client: { address: CLIENT, interception: "REDIRECT", otherAddresses: ["fd00:202::2"] },
      // One application is started here; all others below, beside it.
      server: { address: SERVER, ports: [8999] },
      edge: { address: EDGE, type: "router", labels: { app: "edge" } },
    },
    objects: [
      ...service("srv", plain, [SERVER], { clusterIP: VIP }).map((each) =>
        each.kind === "Service"
          ? { ...each, spec: { ...(each.spec as object), clusterIPs: [VIP, VIP_6] } }
          : each,
      ),
      virtualService("srv", {
        hosts: ["srv"],
        http: [{ ...routed, route: [{ destination: { host: "srv" } }] }],
      }),
      ...service(
        "db",
        [
          { name: "http", port: 8031 },
          { name: "tcp", port: 8032 },
          { name: "found", port: 8033 },
        ],
        PODS,
      ),
      object("v1", "Service", "legacy", {
        type: "ExternalName",
        externalName: HOST,
        ports: [{ name: "http", port: 8001 }],
      }),
      gateway("edge", {
        selector: { app: "edge" },
        servers: [
          { port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: ["*"] },
          { port: { number: 9000, name: "tcp", protocol: "TCP" }, hosts: ["*"] },
          {
            port: { number: 9443, name: "tls", protocol: "TLS" },
            hosts: ["tls.test"],
            tls: { mode: "PASSTHROUGH" },
          },
        ],
      }),
      ...Object.entries({ web: 8001, h2: 8002, grpc: 8003, ws: 8023, h2c: 8022 }).map(
        ([name, number]) =>
          virtualService(`edge-${name}`, {
            hosts: [`${name}.test`],
            gateways: ["edge"],
            http: [{ ...routed, route: [{ destination: { host: HOST, port: { number } } }] }],
          }),
      ),
      virtualService("edge-connections", {
        hosts: ["tls.test"],
        gateways: ["edge"],
        tcp: [
          {
            match: [{ port: 9000 }],
            route: [{ destination: { host: HOST, port: { number: 8005 } } }],
          },
        ],
        tls: [
          {
            match: [{ sniHosts: ["tls.test"] }],
            route: [{ destination: { host: HOST, port: { number: 8006 } } }],
          },
        ],
      }),
    ],
  });

  beforeAll(async () => {
    const leaf = await (await createAuthority("an application's own")).issue("own.test");
    for (const { port, speaks } of PORTS) {
      const start = {
        http1: startHttp1,
        http2: startHttp2,
        grpc: startGrpc,
        bytes: startEcho,
        tls: (address: string, at: number) => startEcho(address, at, leaf),
        greeting: (address: string, at: number) => startGreeter("hello", address, at),
      }[speaks];
      open.push(await start(APPLICATION, port));
      open.push(await startRelay(RELAYS, port, CLIENT, { to: `${VIP}:${port}` }));
    }
    for (const [index, pod] of PODS.entries()) {
      open.push(await startHttp1(pod, 8031));
      open.push(await startGreeter(`db-${index}`, pod, 8032));
      open.push(await startHttp1(pod, 8033));
      for (const port of [8031, 8032, 8033]) {
        open.push(
          await startRelay(`127.202.9.${10 + index}`, port, CLIENT, { to: `${pod}:${port}` }),
        );
      }
    }
    for (const port of [8001, 8005, 8011]) {
      open.push(await startRelay("127.202.9.6", port, CLIENT, { to: `[${VIP_6}]:${port}` }));
    }
  });
  afterAll(async () => {
    await Promise.all(open.map((each) => each.stop()));
  });

  const versionIn = ({ status, headers, body }: HttpOutcome) => ({
    status,
    routed: headers["x-routed"] === "yes",
    version: (JSON.parse(body) as Seen).version,
  });
  const http1 = async (port: number, host = `srv:${port}`, at = RELAYS) =>
    versionIn(await askHttp1(at, port, host));
  const http2 = async (port: number, host = `srv:${port}`, at = RELAYS) =>
    versionIn(await askHttp2(at, port, host));
  const bytes = (address: string, port: number) =>
    converse(connect(port, address), [
      // No request begins so: whoever looks for one knows at once.
      { say: "\0one ", until: "ONE " },
      { say: "two ", until: "TWO " },
    ]);
  /** What came back, and whose certificate the client saw. */
  const secure = async (address: string, port: number, servername: string) => {
    const socket = connectSecurely({ host: address, port, servername, rejectUnauthorized: false });
    let shown: string | undefined;
    socket.on("secureConnect", () => (shown = socket.getPeerCertificate().subjectaltname));
    const heard = await converse(socket, [{ say: "one ", until: "ONE " }]);
    return `${heard}as ${shown}`;
  };
  const grpc = async (address: string, port: number, authority: string) => {
    const client = grpcClient(address, port, authority);
    try {
      return {
        said: await client.say("hello"),
        failed: await client.say("fail"),
        talked: await client.talk(["one", "two", "three"]),
      };
    } finally {
      client.close();
    }
  };
  const GRPC = {
    said: { answers: ["HELLO"], code: 0, trailer: "after all" },
    failed: { answers: [], code: 9, trailer: "after all" },
    talked: { answers: ["ONE", "TWO", "THREE"], code: 0, trailer: "after all" },
  };
  const REQUEST_1 = { status: 200, routed: true, version: "1.1" };
  const REQUEST_2 = { status: 200, routed: true, version: "2.0" };
  const UNTOUCHED = { status: 200, routed: false, version: "1.1" };

  describe("by the name of the port, from sidecar to sidecar", () => {
    test("HTTP/1.1 is routed by request, whatever version the client speaks", async () => {
      expect(await http1(8001)).toEqual(REQUEST_1);
      expect(await http2(8001)).toEqual(REQUEST_1);
    });

    test("HTTP/2 reaches the application as such, whatever version the client speaks", async () => {
      expect(await http2(8002)).toEqual(REQUEST_2);
      expect(await http1(8002)).toEqual(REQUEST_2);
    });

    test("gRPC: single calls, streams both ways, errors, and trailers", async () => {
      expect(await grpc(RELAYS, 8003, "srv:8003")).toEqual(GRPC);
    });

    test("WebSocket: an upgraded connection carries messages both ways", async () => {
      const heard = await webSocket(RELAYS, 8001, "srv:8001");
      expect(heard).toMatch(/^HTTP\/1\.1 101 .*x-routed: yes.*ONETWO$/s);
    });

    test("TCP is carried as it is, also where it looks like HTTP", async () => {
      expect(await bytes(RELAYS, 8005)).toBe("\0ONE TWO ");
      expect(await http1(8004)).toEqual(UNTOUCHED);
    });

    test("TLS of the application's own is passed through", async () => {
      expect(await secure(RELAYS, 8006, "any.test")).toBe("ONE as DNS:own.test");
      expect(await secure(RELAYS, 8007, "any.test")).toBe("ONE as DNS:own.test");
    });
  });

  describe("found out, from sidecar to sidecar", () => {
    test("HTTP of either version is routed by request and keeps its version", async () => {
      expect(await http1(8011)).toEqual(REQUEST_1);
      expect(await http2(8012)).toEqual(REQUEST_2);
      expect(await grpc(RELAYS, 8013, "srv:8013")).toEqual(GRPC);
      expect(await webSocket(RELAYS, 8011, "srv:8011")).toMatch(/x-routed: yes.*ONETWO$/s);
    });

    test("anything else is carried as it is, TLS too", async () => {
      expect(await bytes(RELAYS, 8014)).toBe("\0ONE TWO ");
      expect(await secure(RELAYS, 8015, "any.test")).toBe("ONE as DNS:own.test");
    });

    test("nobody waits for a client to speak on ports where servers are known to speak first", async () => {
      const start = performance.now();
      expect(await converse(connect(3306, RELAYS), [{ say: "", until: "hello" }])).toBe("hello");
      expect(performance.now() - start).toBeLessThan(4000);
    });
  });

  describe("by appProtocol, before the port's name", () => {
    test("http, gRPC, TLS and TCP", async () => {
      expect(await http1(8021)).toEqual(REQUEST_1);
      expect(await grpc(RELAYS, 8025, "srv:8025")).toEqual(GRPC);
      expect(await http1(8026)).toEqual(UNTOUCHED);
      expect(await secure(RELAYS, 8027, "any.test")).toBe("ONE as DNS:own.test");
    });

    test("kubernetes.io/h2c is HTTP/2 in the clear", async () => {
      expect(await http1(8022)).toEqual(REQUEST_2);
      expect(await http2(8022)).toEqual(REQUEST_2);
    });

    test("kubernetes.io/ws is WebSocket in the clear, kubernetes.io/wss in TLS", async () => {
      expect(await webSocket(RELAYS, 8023, "srv:8023")).toMatch(/x-routed: yes.*ONETWO$/s);
      expect(await secure(RELAYS, 8024, "any.test")).toBe("ONE as DNS:own.test");
    });

    test("one that nobody knows is found out", async () => {
      expect(await http2(8028)).toEqual(REQUEST_2);
    });
  });

  describe("other kinds of services", () => {
    test("a pod of a headless one is reached by its own address, for requests and connections", async () => {
      for (const [index, pod] of ["127.202.9.10", "127.202.9.11"].entries()) {
        for (let i = 0; i < 4; i++) {
          expect(await converse(connect(8032, pod), [{ say: "", until: "db" }])).toBe(
            `db-${index}`,
          );
        }
        for (const host of ["db", `db-${index}.db`, `db-${index}.db.default.svc.cluster.local`]) {
          expect((await http1(8031, `${host}:8031`, pod)).status, host).toBe(200);
          expect((await http1(8033, `${host}:8033`, pod)).status, host).toBe(200);
        }
      }
    });

    test("an ExternalName of the mesh's own has the protocols of the service that it names", async () => {
      expect(await http1(8001, "legacy:8001")).toEqual(REQUEST_1);
    });

    test("a service with addresses of both families is reached by either", async () => {
      expect(await http1(8001, "srv:8001", "127.202.9.6")).toEqual(REQUEST_1);
      expect(await http1(8011, "srv:8011", "127.202.9.6")).toEqual(REQUEST_1);
      expect(await bytes("127.202.9.6", 8005)).toBe("\0ONE TWO ");
    });
  });

  describe("at a gateway", () => {
    const edge1 = async (host: string) => versionIn(await askHttp1(EDGE, 8080, host));
    const edge2 = async (host: string) => versionIn(await askHttp2(EDGE, 8080, host));

    test("HTTP of either version, whatever the service speaks", async () => {
      expect(await edge1("web.test")).toEqual(REQUEST_1);
      expect(await edge2("web.test")).toEqual(REQUEST_1);
      expect(await edge1("h2.test")).toEqual(REQUEST_2);
      expect(await edge2("h2c.test")).toEqual(REQUEST_2);
    });

    test("gRPC, where the port says so", async () => {
      expect(await grpc(EDGE, 8080, "grpc.test")).toEqual(GRPC);
    });

    test("WebSocket", async () => {
      expect(await webSocket(EDGE, 8080, "ws.test")).toMatch(/^HTTP\/1\.1 101 .*ONETWO$/s);
    });

    test("TCP, and TLS that is passed through", async () => {
      expect(await bytes(EDGE, 9000)).toBe("\0ONE TWO ");
      expect(await secure(EDGE, 9443, "tls.test")).toBe("ONE as DNS:own.test");
    });
  });

  describe("names and versions of old", () => {
    const raw = (address: string, port: number, request: string) =>
      converse(connect(port, address), [{ say: request, until: "}}" }]);

    test("HTTP/1.0 is taken, and reaches the application as HTTP/1.1", async () => {
      for (const [address, port, host] of [
        [RELAYS, 8001, "srv"],
        [EDGE, 8080, "web.test"],
      ] as const) {
        const heard = await raw(address, port, `GET / HTTP/1.0\r\nhost: ${host}\r\n\r\n`);
        expect(heard).toMatch(/^HTTP\/1\.[01] 200 .*"version":"1\.1"/s);
        // The connection ends with the answer, unless the client asks to keep it.
        expect(heard).toMatch(/connection: close/);
      }
    });

    test("every form of a service's name reaches its rules, in any case, with its port, with a dot at the end", async () => {
      for (const name of [
        "srv",
        "srv.default",
        "srv.default.svc",
        HOST,
        `${HOST}.`,
        "SRV.Default",
        VIP,
      ]) {
        expect(await http1(8001, name), name).toEqual(REQUEST_1);
        expect(await http1(8001, `${name}:8001`), name).toEqual(REQUEST_1);
      }
    });

    test("a gateway's host is the same with any port and with a dot at the end", async () => {
      for (const name of [
        "web.test",
        "WEB.test",
        "web.test:80",
        "web.test:9999",
        "web.test.",
        "web.test.:80",
      ]) {
        expect(await edgeStatus(name), name).toBe(200);
      }
    });
  });

  const edgeStatus = async (host: string) => (await askHttp1(EDGE, 8080, host)).status;
});
