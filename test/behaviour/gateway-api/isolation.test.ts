/** Of several listeners on one port the most specific one decides over a request or connection, and older Gateways over younger ones. */
import type { GatewayApi, Gateway, MeshObject } from "@heddle/model";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Greeter, greeting, startGreeter } from "../../harness/bytes.ts";
import { certificateSecret, createAuthority } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gateway, gatewayApi, object, service, virtualService } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const EDGE = "127.97.0.1";
const A = "127.97.0.2";
const B = "127.97.0.3";
const LEAF = await (await createAuthority()).issue("edge.test");
const TERMINATE: GatewayApi.ListenerTLS = {
  mode: "Terminate",
  certificateRefs: [{ name: "edge-cert" }],
};

const http = (name: string, hostname?: string): GatewayApi.Listener => ({
  name,
  port: 8080,
  protocol: "HTTP",
  ...(hostname === undefined ? {} : { hostname }),
});
const https = (name: string, hostname: string): GatewayApi.Listener => ({
  name,
  port: 8443,
  protocol: "HTTPS",
  hostname,
  tls: TERMINATE,
});
const bytes = (
  name: string,
  port: number,
  hostname: string,
  tls: GatewayApi.ListenerTLS,
): GatewayApi.Listener => ({ name, port, protocol: "TLS", hostname, tls });

/** Says which listener took the request. */
const answering = (
  name: string,
  parents: readonly string[],
  hostnames: readonly string[] = [],
  kind = "Gateway",
): MeshObject =>
  gatewayApi<GatewayApi.HTTPRoute>("HTTPRoute", name, {
    parentRefs: parents.map((sectionName) => ({
      kind,
      name: kind === "Gateway" ? "edge" : "more",
      sectionName,
    })),
    ...(hostnames.length > 0 ? { hostnames } : {}),
    rules: [
      {
        filters: [
          { type: "RequestRedirect", requestRedirect: { hostname: `${name}.answer`, port: 80 } },
        ],
      },
    ],
  });
const passing = (name: string, sectionName: string, hostnames: readonly string[], to: string) =>
  gatewayApi<GatewayApi.TLSRoute>("TLSRoute", name, {
    parentRefs: [{ name: "edge", sectionName }],
    hostnames,
    rules: [{ backendRefs: [{ name: to, port: to.startsWith("secure") ? 7443 : 7000 }] }],
  });

const OBJECTS: readonly MeshObject[] = [
  ...["a", "b"].flatMap((name) => [
    ...service(name, [{ name: "tcp", port: 7000 }], [name === "a" ? A : B]),
    ...service(`secure-${name}`, [{ name: "tls", port: 7443 }], [name === "a" ? A : B]),
  ]),
  object("v1", "Secret", "edge-cert", {
    data: { "tls.crt": btoa(LEAF.chain), "tls.key": btoa(LEAF.key) },
  }),
  gatewayApi<GatewayApi.Gateway>("Gateway", "edge", {
    gatewayClassName: "heddle",
    listeners: [
      http("any"),
      http("wide", "*.example.com"),
      http("narrow", "*.foo.example.com"),
      http("one", "abc.foo.example.com"),
      http("silent", "silent.example.com"),
      https("wide-tls", "*.secure.test"),
      https("one-tls", "one.secure.test"),
      https("else-tls", "else.test"),
      bytes("wide-off", 9443, "*.bytes.test", TERMINATE),
      bytes("one-off", 9443, "one.bytes.test", TERMINATE),
      bytes("silent-off", 9443, "silent.bytes.test", TERMINATE),
      bytes("wide-through", 9444, "*.bytes.test", { mode: "Passthrough" }),
      bytes("one-through", 9444, "one.bytes.test", { mode: "Passthrough" }),
      bytes("silent-through", 9444, "silent.bytes.test", { mode: "Passthrough" }),
    ],
    allowedListeners: { namespaces: { from: "Same" } },
  }),
  gatewayApi<GatewayApi.ListenerSet>("ListenerSet", "more", {
    parentRef: { name: "edge" },
    listeners: [http("added", "added.example.com")],
  }),
  ...["any", "wide", "narrow", "one"].map((name) => answering(name, [name])),
  answering("added", ["added"], [], "ListenerSet"),
  // Names of narrower listeners, by way of wider ones.
  answering(
    "intruder",
    ["any", "wide"],
    [
      "abc.foo.example.com",
      "x.foo.example.com",
      "silent.example.com",
      "added.example.com",
      "other.example.com",
    ],
  ),
  answering("wide-tls", ["wide-tls"], ["*.secure.test", "one.secure.test"]),
  answering("one-tls", ["one-tls"]),
  answering("else-tls", ["else-tls"]),
  passing("wide-off", "wide-off", ["*.bytes.test", "one.bytes.test", "silent.bytes.test"], "a"),
  passing("one-off", "one-off", ["one.bytes.test"], "b"),
  passing("wide-through", "wide-through", ["*.bytes.test", "silent.bytes.test"], "secure-a"),
  passing("intruder-through", "wide-through", ["one.bytes.test"], "secure-a"),
  passing("one-through", "one-through", ["one.bytes.test"], "secure-b"),
];

describe.skipIf(!envoyBinary)("listeners of one port", () => {
  startedMesh({
    workloads: {
      edge: {
        address: EDGE,
        type: "router",
        labels: { "gateway.networking.k8s.io/gateway-name": "edge" },
        secrets: async () => [certificateSecret("kubernetes://default/edge-cert", LEAF)],
      },
    },
    objects: OBJECTS,
  });
  const greeters: Greeter[] = [];
  beforeAll(async () => {
    for (const [name, address] of [
      ["a", A],
      ["b", B],
    ] as const) {
      greeters.push(await startGreeter(name, address, 7000));
      greeters.push(await startGreeter(`secure ${name}`, address, 7443, LEAF));
    }
  });
  afterAll(() => Promise.all(greeters.map((each) => each.stop())));

  /** The route that answered, or the status. */
  const asked = async (host: string, servername?: string) => {
    const { status, headers } = servername
      ? await ask(EDGE, 8443, host, "/", { secure: true, servername, rejectUnauthorized: false })
      : await ask(EDGE, 8080, host, "/");
    const [, route] = /^https?:\/\/([^.]+)\.answer/.exec(headers["location"] ?? "") ?? [];
    return route ?? status;
  };

  proves(
    { "gateway.networking.k8s.io/Gateway": ["listeners[].hostname"] },
    "a request is for the most specific one alone, whatever routes of wider ones say",
    async () => {
      expect(await asked("nobody.test")).toBe("any");
      expect(await asked("bar.example.com")).toBe("wide");
      expect(await asked("bar.foo.example.com")).toBe("narrow");
      expect(await asked("abc.foo.example.com")).toBe("one");
      expect(await asked("x.foo.example.com")).toBe("narrow");
      expect(await asked("other.example.com")).toBe("intruder");
      expect(await asked("silent.example.com")).toBe(404);
      expect(await asked("added.example.com")).toBe("added");
    },
  );

  test("a request that came by a connection to another listener is misdirected", async () => {
    expect(await asked("x.secure.test", "x.secure.test")).toBe("wide-tls");
    expect(await asked("y.secure.test", "x.secure.test")).toBe("wide-tls");
    expect(await asked("one.secure.test", "one.secure.test")).toBe("one-tls");
    expect(await asked("one.secure.test", "x.secure.test")).toBe(421);
    expect(await asked("x.secure.test", "one.secure.test")).toBe(421);
    expect(await asked("else.test", "one.secure.test")).toBe(421);
    expect(await asked("unknown.test", "one.secure.test")).toBe(404);
  });

  test.each([
    { what: "taken off", port: 9443, wide: "a", one: "b" },
    { what: "passed through", port: 9444, wide: "secure a", one: "secure b" },
  ])("TLS that is $what goes by the most specific one alone", async ({ port, wide, one }) => {
    const says = (servername: string) =>
      greeting(EDGE, port, { secure: true, servername }).then(
        ({ text }) => text,
        () => "",
      );
    expect(await says("x.bytes.test")).toBe(wide);
    expect(await says("one.bytes.test")).toBe(one);
    expect(await says("silent.bytes.test")).toBe("");
  });
});

const AGED = "127.97.0.4";
const born = (year: number) => ({ creationTimestamp: `${year}-01-01T00:00:00Z` });
const SERVICE_ADDRESS = [{ type: "Hostname", value: "aged.default.svc.cluster.local" }];
/** Two Gateways of a port and host, the second by name older than the first, and rules that say which one decided. */
const istio = (name: string, year: number, host: string): readonly MeshObject[] => [
  {
    ...gateway(name, {
      selector: { app: "aged" },
      servers: [{ port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: [host] }],
    }),
    metadata: meta(name, year),
  },
  virtualService(name, {
    hosts: [host],
    gateways: [name],
    http: [{ redirect: { authority: `${name}.answer` } }],
  }),
];
const kubernetes = (name: string, year: number, hostname: string): readonly MeshObject[] => [
  {
    ...gatewayApi<GatewayApi.Gateway>("Gateway", name, {
      gatewayClassName: "heddle",
      addresses: SERVICE_ADDRESS,
      listeners: [{ name: "http", port: 8080, protocol: "HTTP", hostname }],
    }),
    metadata: meta(name, year),
  },
  gatewayApi<GatewayApi.HTTPRoute>("HTTPRoute", name, {
    parentRefs: [{ name }],
    rules: [
      {
        filters: [
          { type: "RequestRedirect", requestRedirect: { hostname: `${name}.answer`, port: 80 } },
        ],
      },
    ],
  }),
];
const meta = (name: string, year: number): MeshObject<Gateway>["metadata"] => ({
  name,
  namespace: "default",
  labels: {},
  annotations: {},
  ...born(year),
});

describe.skipIf(!envoyBinary)("Gateways of one port and host", () => {
  startedMesh({
    workloads: { aged: { address: AGED, type: "router", labels: { app: "aged" } } },
    objects: [
      ...service("aged", [{ name: "http", port: 8080 }], [AGED]),
      ...istio("istio-a", 2025, "istio.test"),
      ...istio("istio-b", 2024, "istio.test"),
      ...kubernetes("kube-a", 2025, "kube.test"),
      ...kubernetes("kube-b", 2024, "kube.test"),
      ...istio("mixed-a", 2025, "mixed.test"),
      ...kubernetes("mixed-b", 2024, "mixed.test"),
      ...istio("same-a", 2025, "same.test"),
      ...istio("same-b", 2025, "same.test"),
    ],
  });

  test("the oldest decides, and by name where they are of one age", async () => {
    const decided = async (host: string) => (await ask(AGED, 8080, host, "/")).headers["location"];
    expect(await decided("istio.test")).toContain("istio-b.answer");
    expect(await decided("kube.test")).toContain("kube-b.answer");
    expect(await decided("mixed.test")).toContain("mixed-b.answer");
    expect(await decided("same.test")).toContain("same-a.answer");
  });
});
