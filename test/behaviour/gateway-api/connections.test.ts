/** TLSRoutes, TCPRoutes and UDPRoutes behind a Gateway, and TLS that it takes off, by connections and datagrams to a real Envoy. */
import { createSocket, type Socket } from "node:dgram";
import { connect } from "node:net";
import { connect as tlsConnect } from "node:tls";
import type { GatewayApi, MeshObject } from "@heddle/model";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Greeter, greeting, startGreeter } from "../../harness/bytes.ts";
import { certificateSecret, createAuthority, type Leaf } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gatewayApi, object, service } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const EDGE = "127.93.0.1";
const A = "127.93.0.2";
const B = "127.93.0.3";
const WEB = "127.93.0.4";

const authority = await createAuthority();
const LEAF = await authority.issue("spiffe://cluster.local/ns/default/sa/edge");
const PEER = await authority.issue("spiffe://cluster.local/ns/default/sa/client");
const STRANGER = await (await createAuthority("stranger")).issue("spiffe://else/ns/a/sa/b");
const CERTIFICATE = "kubernetes://default/edge-cert";

const tls = { certificateRefs: [{ name: "edge-cert" }] };
const named = (sectionName: string) => [{ name: "edge", sectionName }];
const backend = (name: string, port: number, weight?: number) => ({
  name,
  port,
  ...(weight === undefined ? {} : { weight }),
});

/** A Service of UDP and its endpoints. */
function datagrams(name: string, port: number, addresses: readonly string[]): MeshObject[] {
  return service(name, [{ name: "dns", port }], addresses).map((each) => ({
    ...each,
    spec: JSON.parse(JSON.stringify(each.spec).replaceAll('"TCP"', '"UDP"')) as unknown,
  }));
}

const OBJECTS = [
  ...service("a", [{ name: "tcp", port: 7000 }], [A]),
  ...service("b", [{ name: "tcp", port: 7000 }], [B]),
  ...service("secure-a", [{ name: "tls", port: 7443 }], [A]),
  ...service("secure-b", [{ name: "tls", port: 7443 }], [B]),
  ...service("web", [{ name: "http", port: 80 }], [WEB]),
  ...service("private", [{ name: "http", port: 8443 }], [WEB]),
  ...datagrams("name-a", 7053, [A]),
  ...datagrams("name-b", 7053, [B]),
  object("v1", "Secret", "edge-cert", {
    data: { "tls.crt": btoa(LEAF.chain), "tls.key": btoa(LEAF.key) },
  }),
  object("v1", "ConfigMap", "roots", { data: { "ca.crt": authority.certificate } }),
  gatewayApi<GatewayApi.Gateway>("Gateway", "edge", {
    gatewayClassName: "istio",
    listeners: [
      { name: "tcp", port: 9001, protocol: "TCP" },
      { name: "through", port: 9002, protocol: "TLS", tls: { mode: "Passthrough" } },
      { name: "off", port: 9003, protocol: "TLS", tls: { mode: "Terminate", ...tls } },
      { name: "udp", port: 9004, protocol: "UDP" },
      { name: "https", port: 9005, protocol: "HTTPS", tls },
      { name: "asked", port: 9006, protocol: "HTTPS", tls },
      { name: "lenient", port: 9007, protocol: "HTTPS", tls },
      { name: "lost", port: 9008, protocol: "TLS", tls: { mode: "Passthrough" } },
      { name: "lost-off", port: 9009, protocol: "TLS", tls: { mode: "Terminate", ...tls } },
      { name: "lost-tcp", port: 9010, protocol: "TCP" },
    ],
    tls: {
      frontend: {
        default: {},
        perPort: [
          {
            port: 9006,
            tls: {
              validation: { caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "roots" }] },
            },
          },
          {
            port: 9007,
            tls: {
              validation: {
                caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "roots" }],
                mode: "AllowInsecureFallback",
              },
            },
          },
        ],
      },
    },
  }),
  gatewayApi<GatewayApi.StreamRoute>("TCPRoute", "tcp", {
    parentRefs: named("tcp"),
    rules: [{ name: "all", backendRefs: [backend("a", 7000, 1), backend("b", 7000, 1)] }],
  }),
  gatewayApi<GatewayApi.TLSRoute>("TLSRoute", "a", {
    parentRefs: named("through"),
    hostnames: ["a.test"],
    rules: [{ backendRefs: [backend("secure-a", 7443)] }],
  }),
  gatewayApi<GatewayApi.TLSRoute>("TLSRoute", "b", {
    parentRefs: named("through"),
    hostnames: ["*.test"],
    rules: [{ backendRefs: [backend("secure-b", 7443)] }],
  }),
  gatewayApi<GatewayApi.TLSRoute>("TLSRoute", "off-a", {
    parentRefs: named("off"),
    hostnames: ["a.test"],
    rules: [{ backendRefs: [backend("a", 7000)] }],
  }),
  gatewayApi<GatewayApi.TLSRoute>("TLSRoute", "off-b", {
    parentRefs: named("off"),
    hostnames: ["b.test"],
    rules: [{ backendRefs: [backend("b", 7000)] }],
  }),
  gatewayApi<GatewayApi.StreamRoute>("UDPRoute", "udp", {
    parentRefs: named("udp"),
    rules: [{ backendRefs: [backend("name-a", 7053, 1), backend("name-b", 7053, 1)] }],
  }),
  gatewayApi<GatewayApi.TLSRoute>("TLSRoute", "lost", {
    parentRefs: [...named("lost"), ...named("lost-off")],
    hostnames: ["a.test"],
    rules: [{ backendRefs: [backend("nobody", 7443)] }],
  }),
  gatewayApi<GatewayApi.StreamRoute>("TCPRoute", "lost-tcp", {
    parentRefs: named("lost-tcp"),
    rules: [{ backendRefs: [backend("nobody", 7443)] }],
  }),
  gatewayApi<GatewayApi.HTTPRoute>("HTTPRoute", "web", {
    parentRefs: [...named("https"), ...named("asked"), ...named("lenient")],
    rules: [{ backendRefs: [backend("web", 80)] }],
  }),
];

describe.skipIf(!envoyBinary)("connections through a Gateway", () => {
  startedMesh({
    workloads: {
      edge: {
        address: EDGE,
        type: "router",
        labels: { "gateway.networking.k8s.io/gateway-name": "edge" },
        secrets: async () => [certificateSecret(CERTIFICATE, LEAF)],
      },
      web: { address: WEB, ports: [80], sidecar: false },
    },
    objects: OBJECTS,
  });
  const greeters: Greeter[] = [];
  const sockets: Socket[] = [];
  beforeAll(async () => {
    for (const [name, address] of [
      ["a", A],
      ["b", B],
    ] as const) {
      greeters.push(await startGreeter(name, address, 7000));
      greeters.push(await startGreeter(`secure ${name}`, address, 7443, LEAF));
      sockets.push(await answering(name, address, 7053));
    }
  });
  afterAll(async () => {
    await Promise.all(greeters.map((each) => each.stop()));
    for (const socket of sockets) socket.close();
  });

  proves(
    {
      TCPRoute: ["rules[].backendRefs[].{name,port,weight}", "parentRefs[].{name,sectionName}"],
    },
    "shares connections by weight",
    async () => {
      const seen = new Set<string>();
      for (let i = 0; i < 30; i++) seen.add((await greeting(EDGE, 9001)).text);
      expect([...seen].toSorted()).toEqual(["a", "b"]);
    },
  );

  proves(
    {
      TLSRoute: [
        "hostnames",
        "rules[].backendRefs[].{name,port}",
        "parentRefs[].{name,sectionName}",
      ],
      "gateway.networking.k8s.io/Gateway": [
        "listeners[].protocol",
        "listeners[].tls.mode={Passthrough,Terminate}",
      ],
    },
    "passes TLS on by its server name, and takes it off where it is told to",
    async () => {
      const through = (servername: string, port = 9002) =>
        greeting(EDGE, port, { secure: true, servername }).then(
          ({ text }) => text,
          () => "refused",
        );
      expect(await through("a.test")).toBe("secure a");
      expect(await through("else.test")).toBe("secure b");
      expect(await through("else.example")).toMatch(/^(refused)?$/);
      expect(await through("a.test", 9003)).toBe("a");
      expect(await through("b.test", 9003)).toBe("b");
      expect(await through("c.test", 9003)).toMatch(/^(refused)?$/);
    },
  );

  test("takes connections that have nowhere to go, and closes them", async () => {
    const ended = (port: number) =>
      new Promise<string>((resolve) => {
        const socket = connect(port, EDGE);
        let state = "refused";
        socket.on("connect", () => (state = "closed"));
        socket.on("error", () => {});
        socket.on("close", () => resolve(state));
        // A passed-through connection is told from others by what its client says first.
        const secure = port === 9010 ? undefined : tlsConnect({ socket, servername: "a.test" });
        secure?.on("error", () => {});
      });
    for (const port of [9008, 9009, 9010])
      expect([port, await ended(port)]).toEqual([port, "closed"]);
  });

  proves(
    {
      UDPRoute: ["rules[].backendRefs[].{name,port,weight}", "parentRefs[].{name,sectionName}"],
    },
    "passes datagrams on by weight, and their answers back",
    async () => {
      const seen = new Set<string>();
      for (let i = 0; i < 30; i++) seen.add(await asked(EDGE, 9004, "who"));
      expect([...seen].toSorted()).toEqual(["a: who", "b: who"]);
    },
  );

  proves(
    {
      "gateway.networking.k8s.io/Gateway": [
        "listeners[].{name,port}",
        "listeners[].tls.certificateRefs[].name",
        "tls.frontend.perPort[].port",
        "tls.frontend.perPort[].tls.validation.caCertificateRefs[].{group,kind,name}",
        "tls.frontend.perPort[].tls.validation.mode={AllowValidOnly,AllowInsecureFallback}",
      ],
    },
    "takes TLS off requests with its certificate, and asks clients of a port for theirs",
    async () => {
      const status = (port: number, leaf?: Leaf) =>
        ask(EDGE, port, "web.test", "/", {
          secure: true,
          rejectUnauthorized: false,
          servername: "web.test",
          ...(leaf ? { cert: leaf.chain, key: leaf.key } : {}),
        }).then(
          (answer) => answer.status,
          () => "refused",
        );
      expect(await status(9005)).toBe(200);
      expect(await status(9006)).toBe("refused");
      expect(await status(9006, STRANGER)).toBe("refused");
      expect(await status(9006, PEER)).toBe(200);
      expect(await status(9007)).toBe(200);
      expect(await status(9007, STRANGER)).toBe(200);
    },
  );
});

/** Says its name and what it was told. */
async function answering(name: string, address: string, port: number): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.on("message", (message, { address: to, port: at }) => {
    socket.send(`${name}: ${message.toString()}`, at, to);
  });
  await new Promise<void>((resolve) => socket.bind(port, address, resolve));
  return socket;
}

function asked(address: string, port: number, what: string): Promise<string> {
  const socket = createSocket("udp4");
  return new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("nobody answered")), 3000);
    socket.on("message", (message) => {
      clearTimeout(timer);
      resolve(message.toString());
    });
    socket.send(what, port, address);
  }).finally(() => socket.close());
}
