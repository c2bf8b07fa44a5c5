import type { MeshObject } from "@heddle/model";
import { describe, expect, test } from "vitest";
import { type AnalysisOptions, analyze } from "./analyze.ts";

function object(kind: string, name: string, spec: object, namespace = "default"): MeshObject {
  const metadata = { name, namespace, labels: {}, annotations: {} };
  return { apiVersion: API[kind] ?? "networking.istio.io/v1", kind, metadata, spec };
}

const API: Readonly<Record<string, string>> = {
  Telemetry: "telemetry.istio.io/v1",
  PeerAuthentication: "security.istio.io/v1",
  OverloadPolicy: "heddle.dev/v1",
  RequestValidation: "heddle.dev/v1",
  Fallback: "heddle.dev/v1",
  HTTPRoute: "gateway.networking.k8s.io/v1",
  GRPCRoute: "gateway.networking.k8s.io/v1",
  BackendTLSPolicy: "gateway.networking.k8s.io/v1",
  GatewayClass: "gateway.networking.k8s.io/v1",
  ListenerSet: "gateway.networking.k8s.io/v1",
};

function pod(name: string, labels: Record<string, string>): MeshObject {
  const metadata = { name, namespace: "default", labels, annotations: {} };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: {} };
}

/** `code level origin`, sorted. */
function found(objects: readonly MeshObject[], options: AnalysisOptions = {}): string[] {
  return analyze(objects, options)
    .map(({ code, level, origin }) => `${code} ${level} ${origin}`)
    .toSorted();
}

const server = (number: number, protocol: string, host = "*", tls?: object) => ({
  port: { number, name: `${protocol}-${number}`, protocol },
  hosts: [host],
  ...(tls ? { tls } : {}),
});
const gateway = (name: string, ...servers: object[]) =>
  object("Gateway", name, { selector: { istio: "ingressgateway" }, servers });
const TLS = { mode: "SIMPLE", credentialName: "shop" };

describe("of objects that one workload can follow only one of, both are named:", () => {
  test.each([
    ["Sidecar", "IST0111", (labels?: object) => (labels ? { workloadSelector: { labels } } : {})],
    [
      "Telemetry",
      "IST0160",
      (labels?: object) => (labels ? { selector: { matchLabels: labels } } : {}),
    ],
    ...(
      [
        ["ProxyConfig", "HDL0106"],
        ["PeerAuthentication", "HDL0103"],
        ["OverloadPolicy", "HDL0155"],
        ["RequestValidation", "HDL0186"],
      ] as const
    ).map(
      ([kind, code]) =>
        [
          kind,
          code,
          (labels?: object) => (labels ? { selector: { matchLabels: labels } } : {}),
        ] as const,
    ),
  ] as const)("%s", (kind, code, spec) => {
    const selected = { IST0111: "IST0110", IST0160: "IST0159" }[code as string] ?? code;
    const both = (which: string, level = "Error") => [
      `${which} ${level} ${kind} default/a`,
      `${which} ${level} ${kind} default/b`,
    ];
    const [a, b] = [object(kind, "a", spec()), object(kind, "b", spec())];
    expect(found([a, b])).toEqual(both(code));
    expect(found([a, b], { force: true })).toEqual(both(code, "Warning"));
    expect(found([a, object(kind, "b", spec(), "other")])).toEqual([]);
    expect(found([a, object(kind, "b", spec({ app: "web" }))])).toEqual([]);
    const web = object(kind, "a", spec({ app: "web" }));
    expect(found([web, object(kind, "b", spec({ app: "web" }))])).toEqual(both(selected));
    // Different selectors meet where a pod has the labels of both.
    const v1 = object(kind, "b", spec({ version: "v1" }));
    expect(found([web, v1])).toEqual([]);
    expect(found([web, v1, pod("web-1", { app: "web", version: "v1" })])).toEqual(both(selected));
    expect(found([web, v1, pod("web-1", { app: "web" }), pod("api-1", { version: "v1" })])).toEqual(
      [],
    );
  });

  test("Telemetries that are bound to gateways by name, for each gateway", () => {
    const bound = (name: string, to: string) =>
      object("Telemetry", name, { targetRefs: [{ kind: "Gateway", name: to }] });
    const c = object("Telemetry", "c", {});
    expect(found([bound("a", "edge"), bound("b", "inner"), c])).toEqual([]);
    const old = object("Telemetry", "b", { targetRef: { kind: "Gateway", name: "edge" } });
    for (const b of [bound("b", "edge"), old]) {
      expect(found([bound("a", "edge"), b, c])).toEqual([
        "IST0159 Error Telemetry default/a",
        "IST0159 Error Telemetry default/b",
      ]);
    }
  });
});

describe("gateways on one port", () => {
  const both = (code: string, level = "Error") => [
    `${code} ${level} Gateway default/a`,
    `${code} ${level} Gateway default/b`,
  ];
  test("cannot have different protocols, whatever their hosts", () => {
    const http = gateway("a", server(443, "HTTP", "a.example"));
    const https = gateway("b", server(443, "HTTPS", "b.example", TLS));
    expect(found([http, https])).toEqual(both("HDL0104"));
    expect(found([http, https], { force: true })).toEqual(both("HDL0104", "Warning"));
    expect(found([http, gateway("b", server(80, "HTTPS", "b.example", TLS))])).toEqual([]);
    const bound = { ...server(443, "HTTPS", "b.example", TLS), bind: "10.0.0.1" };
    expect(found([http, gateway("b", bound)])).toEqual([]);
    expect(found([gateway("a", server(443, "TCP", "a.example")), https])).toEqual(both("HDL0104"));
  });
  test("share it by request and by server name, but not one host of TLS", () => {
    const of = (name: string, host: string) => gateway(name, server(443, "HTTPS", host, TLS));
    expect(found([of("a", "a.example"), of("b", "b.example")])).toEqual([]);
    expect(found([of("a", "shop.example"), of("b", "default/shop.example")])).toEqual(
      both("IST0145"),
    );
    const http = (name: string) => gateway(name, server(80, "HTTP", "shop.example"));
    expect(found([http("a"), http("b")])).toEqual(both("IST0145", "Warning"));
  });
});

describe("ServiceEntries for one host", () => {
  const entry = (name: string, spec: object = {}, namespace = "default") =>
    object(
      "ServiceEntry",
      name,
      {
        hosts: ["api.example.com"],
        ports: [{ number: 443, name: "tls", protocol: "TLS" }],
        resolution: "DNS",
        ...spec,
      },
      namespace,
    );
  const both = (level: string, other = "default") =>
    [
      `HDL0105 ${level} ServiceEntry default/a`,
      `HDL0105 ${level} ServiceEntry ${other}/b`,
    ].toSorted();

  test("may say the same or add ports, and not contradict each other", () => {
    expect(found([entry("a"), entry("b")])).toEqual([]);
    const more = { ports: [{ number: 80, name: "http", protocol: "HTTP" }] };
    expect(found([entry("a"), entry("b", more)])).toEqual([]);
    for (const clash of [
      { resolution: "STATIC" },
      { location: "MESH_INTERNAL" },
      { ports: [{ number: 443, name: "https", protocol: "HTTPS" }] },
    ]) {
      expect(found([entry("a"), entry("b", clash)]), JSON.stringify(clash)).toEqual(both("Error"));
      expect(found([entry("a"), entry("b", clash)], { force: true })).toEqual(both("Warning"));
    }
  });

  test("of two namespaces are in conflict too, but not where nobody sees both", () => {
    const clash = { resolution: "STATIC" };
    const far = [entry("a"), entry("b", clash, "other")];
    expect(found(far)).toEqual(both("Error", "other"));
    expect(found(far, { force: true })).toEqual(both("Warning", "other"));
    const own = { exportTo: ["."] };
    expect(found([entry("a", own), entry("b", { ...clash, ...own }, "other")])).toEqual([]);
  });
});

describe("Fallbacks", () => {
  const fallback = (name: string, spec: object, namespace = "default") => ({
    ...object("Fallback", name, { response: { status: 200 }, ...spec }, namespace),
  });
  const service = (name: string) => ({
    ...object("Service", name, { ports: [{ port: 80 }] }),
    apiVersion: "v1",
  });

  test("for the same requests are both named", () => {
    const both = [fallback("a", { host: "web" }), fallback("b", { host: "web" })];
    expect(found(both)).toEqual([
      "HDL0144 Error Fallback default/a",
      "HDL0144 Error Fallback default/b",
    ]);
    expect(found(both, { force: true })[0]).toBe("HDL0144 Warning Fallback default/a");
    expect(found([both[0] as MeshObject, fallback("b", { host: "web", subset: "v1" })])).toEqual(
      [],
    );
    expect(found([both[0] as MeshObject, fallback("b", { host: "web", routes: ["x"] })])).toEqual(
      [],
    );
    expect(found([both[0] as MeshObject, fallback("b", { host: "web" }, "other")])).toEqual([]);
  });

  test("name services that are there, of their namespace or from the root namespace", () => {
    const web = service("web");
    expect(found([web, fallback("a", { host: "web", destination: { host: "web" } })])).toEqual([]);
    expect(found([web, fallback("a", { host: "wbe", destination: { host: "gone" } })])).toEqual([
      "IST0101 Warning Fallback default/a",
      "IST0101 Warning Fallback default/a",
    ]);
    const host = "web.default.svc.cluster.local";
    expect(found([web, fallback("a", { host }, "far")])).toEqual([
      "HDL0145 Warning Fallback far/a",
    ]);
    expect(found([web, fallback("a", { host }, "istio-system")])).toEqual([]);
  });
});

describe("DestinationRules of one namespace for one host", () => {
  const rule = (name: string, spec: object, created?: string): MeshObject => {
    const made = object("DestinationRule", name, { host: "web", ...spec });
    return created ? { ...made, metadata: { ...made.metadata, creationTimestamp: created } } : made;
  };
  const both = (level: string) => [
    `HDL0101 ${level} DestinationRule default/a`,
    `HDL0101 ${level} DestinationRule default/b`,
  ];
  const subsets = (name: string) => ({ subsets: [{ name, labels: { version: name } }] });

  test("are joined, but where they are exported to different namespaces: then the youngest counts", () => {
    const a = rule("a", subsets("v1"), "2026-01-01T00:00:00Z");
    const b = (exportTo: string[]) =>
      rule("b", { ...subsets("v2"), exportTo }, "2026-02-01T00:00:00Z");
    expect(found([a, b([])])).toEqual(both("Warning"));
    expect(found([a, b(["other"])])).toEqual(both("Error"));
    expect(analyze([a, b(["other"])])[0]?.message).toContain("only the youngest would count");
  });

  test("that select clients by different labels clash where a pod has both", () => {
    const picky = (name: string, labels: object) =>
      rule(name, { ...subsets(name), workloadSelector: { matchLabels: labels } });
    const two = [picky("a", { app: "web" }), picky("b", { version: "v1" })];
    expect(found(two)).toEqual([]);
    expect(found([...two, pod("web-1", { app: "web", version: "v1" })])).toEqual(both("Error"));
    expect(found([...two, pod("web-1", { app: "web" }), pod("x", { version: "v1" })])).toEqual([]);
  });
});

describe("routes of the Gateway API", () => {
  const route = (name: string, parent: object, namespace = "default", kind = "HTTPRoute") =>
    object(kind, name, { parentRefs: [parent], rules: [] }, namespace);
  const toService = { group: "", kind: "Service", name: "web", namespace: "default" };
  const toEntry = { group: "networking.istio.io", kind: "ServiceEntry", name: "api" };
  const virtualService = (host: string, namespace = "default", spec: object = {}) =>
    object("VirtualService", "v", { hosts: [host], http: [], ...spec }, namespace);
  const conflicts = (objects: readonly MeshObject[], options: AnalysisOptions = {}) =>
    found(objects, options).filter((text) => text.startsWith("HDL0153"));
  const WEB = "web.default.svc.cluster.local";

  test("count for a host of the mesh before a VirtualService: both are named", () => {
    const both = [route("r", toService), virtualService("web")];
    const named = (level: string) => [
      `HDL0153 ${level} HTTPRoute default/r`,
      `HDL0153 ${level} VirtualService default/v`,
    ];
    expect(conflicts(both)).toEqual(named("Error"));
    expect(conflicts(both, { force: true })).toEqual(named("Warning"));
    expect(conflicts([both[0]!, virtualService("web", "default", { gateways: ["edge"] })])).toEqual(
      [],
    );
    for (const { message } of analyze(both).filter(({ code }) => code === "HDL0153")) {
      expect(message).toMatch(/HTTPRoute default\/r and VirtualService default\/v .* web\.default/);
    }
    expect(conflicts([route("r", toService), virtualService(WEB, "far")])).toHaveLength(2);
  });

  test("of clients' own namespaces contradict the VirtualServices there", () => {
    const consumer = route("r", toService, "far");
    expect(conflicts([consumer, virtualService("web")])).toEqual([]);
    expect(conflicts([consumer, virtualService(WEB, "far")])).toHaveLength(2);
    expect(conflicts([consumer, virtualService(WEB, "other")])).toEqual([]);
  });

  test("whose parent is a ServiceEntry are for its hosts", () => {
    const entry = object("ServiceEntry", "api", {
      hosts: ["API.example.com"],
      ports: [{ number: 80, name: "http", protocol: "HTTP" }],
      resolution: "DNS",
    });
    const both = [entry, route("r", toEntry), virtualService("api.example.com")];
    expect(conflicts(both)).toHaveLength(2);
    expect(conflicts(both.slice(1))).toEqual([]);
  });
});

describe("of what the Gateway API settles by age", () => {
  const aged = (made: MeshObject, year: number): MeshObject => ({
    ...made,
    metadata: { ...made.metadata, creationTimestamp: `${year}-01-01T00:00:00Z` },
  });
  const both = (a: string, b: string, level = "Error") => [
    `HDL0132 ${level} ${a}`,
    `HDL0132 ${level} ${b}`,
  ];

  test("policies for one Service are both named", () => {
    const policy = (name: string, year: number, section?: string) =>
      aged(
        object("BackendTLSPolicy", name, {
          targetRefs: [
            { group: "", kind: "Service", name: "s", ...(section ? { sectionName: section } : {}) },
          ],
          validation: { hostname: "s.test", wellKnownCACertificates: "System" },
        }),
        year,
      );
    const named = (level?: string) =>
      both("BackendTLSPolicy default/a", "BackendTLSPolicy default/b", level);
    const two = [policy("a", 2024), policy("b", 2025)];
    expect(found(two)).toEqual(named());
    expect(found(two, { force: true })).toEqual(named("Warning"));
    expect(found([policy("a", 2024), policy("b", 2025, "tls")])).toEqual([]);
    const [older, younger] = analyze(two);
    expect(older?.message).toContain("default/b claims what this BackendTLSPolicy has");
    expect(younger?.message).toContain("default/a is older");
  });

  const world = [
    object("GatewayClass", "heddle", { controllerName: "heddle.dev/gateway-controller" }),
    {
      ...object("Gateway", "edge", {
        gatewayClassName: "heddle",
        allowedListeners: { namespaces: { from: "All" } },
        listeners: [{ name: "http", port: 80, protocol: "HTTP" }],
      }),
      apiVersion: "gateway.networking.k8s.io/v1",
    },
  ];

  test("a Gateway and ListenerSets with one port are all named", () => {
    const set = (name: string, year: number, port: number) =>
      aged(
        object("ListenerSet", name, {
          parentRef: { name: "edge" },
          listeners: [{ name: "http", port, protocol: "HTTP" }],
        }),
        year,
      );
    expect(found([...world, set("a", 2024, 80)])).toEqual(
      both("Gateway default/edge", "ListenerSet default/a"),
    );
    expect(found([...world, set("a", 2024, 81), set("b", 2025, 81)])).toEqual(
      both("ListenerSet default/a", "ListenerSet default/b"),
    );
    expect(found([...world, set("a", 2024, 81), set("b", 2025, 82)])).toEqual([]);
  });

  test("an HTTPRoute and a GRPCRoute for one host are both named", () => {
    const route = (kind: string, year: number, host = "a.test") =>
      aged(
        object(kind, "r", { parentRefs: [{ name: "edge" }], hostnames: [host], rules: [] }),
        year,
      );
    expect(found([...world, route("HTTPRoute", 2024), route("GRPCRoute", 2025)])).toEqual(
      both("GRPCRoute default/r", "HTTPRoute default/r"),
    );
    expect(found([...world, route("HTTPRoute", 2024), route("GRPCRoute", 2025, "b.test")])).toEqual(
      [],
    );
  });
});
