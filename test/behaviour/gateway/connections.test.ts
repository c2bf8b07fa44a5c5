/** What a gateway does with connections that it does not look into, and with those that it only takes TLS off. */
import { afterAll, beforeAll, describe, expect } from "vitest";
import { type Greeter, greeting, startGreeter } from "../../harness/bytes.ts";
import { certificateSecret, createAuthority } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import {
  destinationRule,
  gateway,
  object,
  pod,
  service,
  virtualService,
} from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const EDGE = "127.63.0.1";
const BOUND = "127.63.0.9";
const STRANGER = "127.63.0.77";
const A = "127.63.0.2";
const B = "127.63.0.3";
const WEB = "127.63.0.4";

const CLEAR = [{ name: "tcp", port: 7000 }];
const SECURE = [{ name: "tls", port: 7443 }];
const to = (host: string, weight?: number) => ({
  destination: { host },
  ...(weight === undefined ? {} : { weight }),
});
const at = (port: number, host: string) => ({ match: [{ port }], route: [to(host)] });

const OBJECTS = [
  ...service("a", CLEAR, [A]),
  ...service("b", CLEAR, [B]),
  ...service("both", CLEAR, [A, B]),
  ...service("secure-a", SECURE, [A]),
  ...service("secure-b", SECURE, [B]),
  ...service("web", [{ name: "http", port: 80 }], [WEB]),
  pod({ name: "v-a", address: A, labels: { v: "a" }, mesh: false }),
  pod({ name: "v-b", address: B, labels: { v: "b" }, mesh: false }),
  destinationRule("both", {
    host: "both",
    subsets: [
      { name: "a", labels: { v: "a" } },
      { name: "b", labels: { v: "b" } },
    ],
  }),
  gateway("main", {
    selector: { app: "edge" },
    servers: [
      ...[9001, 9002, 9004, 9005, 9006].map((number) => ({
        port: { number, name: `tcp-${number}`, protocol: "TCP" },
        hosts: ["*"],
      })),
      { port: { number: 9003, name: "mongo", protocol: "MONGO" }, hosts: ["*"] },
      {
        port: { number: 9007, name: "tcp-bound", protocol: "TCP" },
        bind: BOUND,
        hosts: ["*"],
      },
      {
        port: { number: 8443, name: "tls", protocol: "TLS" },
        hosts: ["a.test", "*.wild.test", "elsewhere/private.test"],
        tls: { mode: "PASSTHROUGH" },
      },
      // HTTPS that nobody takes off is passed through as well.
      {
        port: { number: 8443, name: "https-through", protocol: "HTTPS" },
        hosts: ["b.test"],
        tls: { mode: "PASSTHROUGH" },
      },
      {
        port: { number: 8443, name: "https", protocol: "HTTPS" },
        hosts: ["web.test"],
        tls: { mode: "SIMPLE", credentialName: "edge" },
      },
      {
        port: { number: 8443, name: "tls-off", protocol: "TLS" },
        hosts: ["off.test"],
        tls: { mode: "SIMPLE", credentialName: "edge" },
      },
    ],
  }),
  gateway("other", {
    selector: { app: "edge" },
    servers: [{ port: { number: 9008, name: "tcp", protocol: "TCP" }, hosts: ["*"] }],
  }),
  virtualService("tcp", {
    hosts: ["*"],
    gateways: ["main", "other"],
    tcp: [
      at(9001, "a"),
      { match: [{ port: 9002 }], route: [to("a", 80), to("b", 20)] },
      at(9003, "b"),
      {
        match: [{ port: 9004 }],
        route: [
          { destination: { host: "both", subset: "b", port: { number: 7000 } }, weight: 100 },
          { destination: { host: "both", subset: "a" }, weight: 0 },
        ],
      },
      { match: [{ port: 9005, sourceSubnet: `${STRANGER}/32` }], route: [to("b")] },
      at(9005, "a"),
      at(9007, "a"),
      { match: [{ gateways: ["other"] }], route: [to("b")] },
      { match: [{ port: 9006, gateways: ["main"] }], route: [to("a")] },
    ],
  }),
  virtualService("tls", {
    hosts: ["a.test", "b.test", "*.wild.test", "private.test"],
    gateways: ["main"],
    tls: [
      { match: [{ sniHosts: ["a.test"], port: 8443 }], route: [to("secure-a")] },
      { match: [{ sniHosts: ["b.test"], port: 1 }], route: [to("secure-a")] },
      { match: [{ sniHosts: ["b.test"] }], route: [to("secure-b")] },
      {
        match: [{ sniHosts: ["special.wild.test"] }],
        route: [to("secure-b")],
      },
      { match: [{ sniHosts: ["*.wild.test", "private.test"] }], route: [to("secure-a")] },
    ],
  }),
  virtualService("web", {
    hosts: ["web.test"],
    gateways: ["main"],
    http: [{ route: [to("web")] }],
  }),
  virtualService("off", {
    hosts: ["off.test"],
    gateways: ["main"],
    tcp: [{ match: [{ port: 8443 }], route: [to("a")] }],
  }),
  object("v1", "Namespace", "elsewhere", {}, ""),
];

describe.skipIf(!envoyBinary)("connections through a gateway", async () => {
  const authority = await createAuthority();
  const greeters: Greeter[] = [];
  startedMesh({
    workloads: {
      edge: {
        address: EDGE,
        type: "router",
        labels: { app: "edge" },
        secrets: async () => [
          certificateSecret("kubernetes://default/edge", await authority.issue("off.test")),
        ],
      },
      web: { address: WEB, ports: [80], sidecar: false },
    },
    objects: OBJECTS,
  });

  beforeAll(async () => {
    for (const [name, address] of [
      ["a", A],
      ["b", B],
    ] as const) {
      greeters.push(await startGreeter(name, address, 7000));
      const leaf = await authority.issue(`${name}.test`);
      greeters.push(await startGreeter(`secure-${name}`, address, 7443, leaf));
    }
  });
  afterAll(() => Promise.all(greeters.map((greeter) => greeter.stop())));

  const said = async (port: number, from = EDGE) =>
    (await greeting(EDGE, port, { localAddress: from })).text;
  const secretly = async (servername: string, hello = {}) =>
    (await greeting(EDGE, 8443, { secure: true, servername, ...hello })).text;

  proves(
    {
      VirtualService: ["tcp[].match[].port", "tcp[].route[].destination.host"],
      Gateway: ["servers[].port.protocol"],
    },
    "carries bytes to where the rule for the port leads",
    async () => {
      expect(await said(9001)).toBe("a");
      expect(await said(9007).catch(() => "refused")).toBe("refused");
      expect((await greeting(BOUND, 9007)).text).toBe("a");
    },
  );

  proves("VirtualService", ["tcp[].route[].weight"], "shares connections by weight", async () => {
    const counts = { a: 0, b: 0 };
    for (let i = 0; i < 400; i++) counts[(await said(9002)) as "a" | "b"]++;
    expect(counts.a).toBeGreaterThan(280);
    expect(counts.b).toBeGreaterThan(40);
  });

  proves("Gateway", ["servers[].port.protocol"], "carries MONGO as bytes", async () => {
    expect(await said(9003)).toBe("b");
  });

  proves(
    "VirtualService",
    ["tcp[].route[].destination.{subset,port.number}"],
    "carries bytes to a subset, and none to a destination of weight 0",
    async () => {
      for (let i = 0; i < 20; i++) expect(await said(9004)).toBe("b");
    },
  );

  proves(
    "VirtualService",
    ["tcp[].match[].sourceSubnet"],
    "tells clients apart by their addresses",
    async () => {
      expect(await said(9005, STRANGER)).toBe("b");
      expect(await said(9005)).toBe("a");
    },
  );

  proves(
    "VirtualService",
    ["tcp[].match[].gateways"],
    "applies a rule behind the gateways that it names",
    async () => {
      expect(await said(9006)).toBe("a");
      expect(await said(9008)).toBe("b");
    },
  );

  proves(
    {
      VirtualService: ["tls[].match[].{sniHosts,port}", "tls[].route[].destination.host"],
      Gateway: ["servers[].tls.mode=PASSTHROUGH", "servers[].port.protocol"],
    },
    "passes TLS on by the name that the client asks for, without a look inside",
    async () => {
      expect(await secretly("a.test", { ca: authority.certificate })).toBe("secure-a");
      expect(await secretly("b.test", { ca: authority.certificate })).toBe("secure-b");
      expect(await secretly("any.wild.test")).toBe("secure-a");
      expect(await secretly("special.wild.test")).toBe("secure-b");
      await expect(secretly("unknown.test")).rejects.toThrow(/ECONNRESET|disconnected/);
      // The server lets it in for rules of another namespace only.
      await expect(secretly("private.test")).rejects.toThrow(/ECONNRESET|disconnected/);
    },
  );

  proves(
    "Gateway",
    ["servers[].tls.mode=SIMPLE"],
    "takes TLS off and routes what is inside, requests or bytes, beside what it passes through",
    async () => {
      expect(await secretly("off.test", { ca: authority.certificate })).toBe("a");
      const answer = await ask(EDGE, 8443, "web.test", "/", {
        secure: true,
        servername: "web.test",
        rejectUnauthorized: false,
      });
      expect(answer.echo().name).toBe("web");
    },
  );
});
