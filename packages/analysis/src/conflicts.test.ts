import type { MeshObject } from "@heddle/model";
import { describe, expect, test } from "vitest";
import { type AnalysisOptions, analyze } from "./analyze.ts";

function object(kind: string, name: string, spec: object, namespace = "default"): MeshObject {
  const group = kind === "Telemetry" ? "telemetry.istio.io" : "networking.istio.io";
  const metadata = { name, namespace, labels: {}, annotations: {} };
  return { apiVersion: `${group}/v1`, kind, metadata, spec };
}

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
    [
      "ProxyConfig",
      "HDL0106",
      (labels?: object) => (labels ? { selector: { matchLabels: labels } } : {}),
    ],
  ] as const)("%s", (kind, code, spec) => {
    const selected = { IST0111: "IST0110", IST0160: "IST0159", HDL0106: "HDL0106" }[code];
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

  test("Telemetries that are bound to gateways by name are apart", () => {
    const bound = (name: string) =>
      object("Telemetry", name, { targetRefs: [{ kind: "Gateway", name: "edge" }] });
    expect(found([bound("a"), bound("b"), object("Telemetry", "c", {})])).toEqual([]);
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

  test("of two namespaces are a warning, and none where nobody sees both", () => {
    const clash = { resolution: "STATIC" };
    expect(found([entry("a"), entry("b", clash, "other")])).toEqual(both("Warning", "other"));
    const own = { exportTo: ["."] };
    expect(found([entry("a", own), entry("b", { ...clash, ...own }, "other")])).toEqual([]);
  });
});

describe("Fallbacks", () => {
  const fallback = (name: string, spec: object, namespace = "default") => ({
    ...object("Fallback", name, { response: { status: 200 }, ...spec }, namespace),
    apiVersion: "heddle.dev/v1",
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
