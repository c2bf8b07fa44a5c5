/** For an object of every kind: which proxies have it, and which resources it became there. */
import { canonical, merge } from "@heddle/envoy";
import { type MeshObject, objectKey } from "@heddle/model";
import { expect, it } from "vitest";
import {
  destinationRule,
  gateway,
  object,
  peerAuthentication,
  pod,
  service,
  virtualService,
} from "../../../../test/harness/objects.ts";
import { createTranslator, parseNode } from "../index.ts";
import { ANY_MESH } from "../testing/mesh.ts";
import { RESOURCE_TYPES } from "../view/resource-set.ts";

const HTTP = [{ name: "http", port: 80 }];
const WEB = { selector: { matchLabels: { app: "web" } } };
const API = "gateway.networking.k8s.io/v1";
const MODULE = "https://modules.example/one.wasm";

/** What is there in every case. */
const WORLD: readonly MeshObject[] = [
  pod({ name: "web", address: "10.9.0.9", labels: { app: "web" } }),
  ...service("web", HTTP, ["10.9.0.9"], { clusterIP: "10.0.0.9" }),
  ...service("reviews", HTTP, ["10.1.0.1"], { clusterIP: "10.0.0.1" }),
  pod({ name: "edge", address: "10.9.2.9", labels: { istio: "ingressgateway" } }),
  gateway("edge", {
    selector: { istio: "ingressgateway" },
    servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
  }),
  virtualService("shop", {
    hosts: ["shop.example"],
    gateways: ["edge"],
    http: [{ route: [{ destination: { host: "reviews" } }] }],
  }),
  object(API, "GatewayClass", "heddle", { controllerName: "heddle.dev/gateway-controller" }, ""),
  object(API, "Gateway", "api", {
    gatewayClassName: "heddle",
    allowedListeners: { namespaces: { from: "All" } },
    listeners: [
      { name: "http", port: 8080, protocol: "HTTP" },
      { name: "tls", port: 8443, protocol: "TLS", tls: { mode: "Passthrough" } },
      { name: "tcp", port: 9000, protocol: "TCP" },
      { name: "udp", port: 53, protocol: "UDP" },
    ],
  }),
  object("v1", "Secret", "cert", {
    data: {
      "tls.crt": btoa("-----BEGIN CERTIFICATE-----"),
      "tls.key": btoa("-----BEGIN PRIVATE KEY-----"),
    },
  }),
];

const PROXIES = {
  web: parseNode({
    id: "sidecar~10.9.0.9~web.default~default.svc.cluster.local",
    metadata: { LABELS: { app: "web" }, INTERCEPTION_MODE: "REDIRECT" },
  }),
  edge: parseNode({
    id: "router~10.9.2.9~edge.default~default.svc.cluster.local",
    metadata: { LABELS: { istio: "ingressgateway" } },
  }),
  api: parseNode({
    id: "router~10.9.2.8~api.default~default.svc.cluster.local",
    metadata: { LABELS: { "gateway.networking.k8s.io/gateway-name": "api" } },
  }),
};
type Name = keyof typeof PROXIES;

const atApi = (more: object) => ({
  parentRefs: [{ name: "api" }],
  rules: [{ backendRefs: [{ name: "reviews", port: 80 }] }],
  ...more,
});

/** The object, at which proxies it is, and the types of what it became. */
const CASES: readonly (readonly [MeshObject, Partial<Record<Name, readonly string[]>>])[] = [
  [
    virtualService("reviews", {
      hosts: ["reviews"],
      http: [{ route: [{ destination: { host: "reviews" } }], timeout: "3s" }],
    }),
    { web: ["route"] },
  ],
  [
    destinationRule("reviews", {
      host: "reviews",
      trafficPolicy: { loadBalancer: { simple: "RANDOM" } },
    }),
    { web: ["cluster"], edge: ["cluster"] },
  ],
  [
    gateway("more", {
      selector: { istio: "ingressgateway" },
      servers: [{ port: { number: 81, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
    }),
    { edge: ["listener"] },
  ],
  [peerAuthentication("strict", { mtls: { mode: "STRICT" } }), { web: ["listener"] }],
  [
    object("networking.istio.io/v1", "ServiceEntry", "outside", {
      hosts: ["out.example"],
      ports: [{ number: 80, name: "http", protocol: "HTTP" }],
      resolution: "STATIC",
      endpoints: [{ address: "10.7.0.1" }],
    }),
    { web: ["cluster", "endpoint", "route"] },
  ],
  [
    object("networking.istio.io/v1", "Sidecar", "only", {
      egress: [{ hosts: ["./*"] }],
      outboundTrafficPolicy: { mode: "REGISTRY_ONLY" },
    }),
    { web: ["listener"] },
  ],
  [
    object("networking.istio.io/v1alpha3", "EnvoyFilter", "patch", {
      configPatches: [
        {
          applyTo: "LISTENER",
          match: { context: "SIDECAR_OUTBOUND" },
          patch: { operation: "MERGE", value: { traffic_direction: "OUTBOUND" } },
        },
      ],
    }),
    { web: ["listener"] },
  ],
  [
    object("telemetry.istio.io/v1", "Telemetry", "quiet", {
      accessLogging: [{ disabled: true }],
    }),
    { web: ["listener"], edge: ["listener"] },
  ],
  [
    object("extensions.istio.io/v1alpha1", "WasmPlugin", "plugin", { ...WEB, url: MODULE }),
    { web: ["listener", "extension"] },
  ],
  [
    object("heddle.dev/v1", "RateLimit", "few", {
      ...WEB,
      limits: [{ requests: 1, per: "1s" }],
    }),
    { web: ["listener"] },
  ],
  [
    object("heddle.dev/v1", "OverloadPolicy", "careful", { ...WEB, concurrency: { max: 10 } }),
    { web: ["listener"] },
  ],
  [
    object("heddle.dev/v1", "RequestValidation", "neat", { ...WEB, limits: { headers: 50 } }),
    { web: ["listener"] },
  ],
  [
    object("heddle.dev/v1", "Fallback", "instead", { host: "reviews", response: { status: 200 } }),
    { web: ["route"] },
  ],
  [
    object("networking.k8s.io/v1", "Ingress", "cart", {
      ingressClassName: "istio",
      rules: [
        {
          host: "cart.example",
          http: {
            paths: [
              {
                path: "/",
                pathType: "Prefix",
                backend: { service: { name: "reviews", port: { number: 80 } } },
              },
            ],
          },
        },
      ],
    }),
    { edge: ["route"] },
  ],
  [object(API, "HTTPRoute", "r", atApi({})), { api: ["route"], web: [], edge: [] }],
  [
    object(API, "GRPCRoute", "r", atApi({ hostnames: ["grpc.example"] })),
    { api: ["route"], web: [], edge: [] },
  ],
  [
    object(API, "TLSRoute", "r", atApi({ hostnames: ["tls.example"] })),
    { api: ["listener"], web: [], edge: [] },
  ],
  [object(API, "TCPRoute", "r", atApi({})), { api: ["listener"], web: [], edge: [] }],
  [object(API, "UDPRoute", "r", atApi({})), { api: ["listener"], web: [], edge: [] }],
  [
    object(API, "HTTPRoute", "mesh", {
      parentRefs: [{ group: "", kind: "Service", name: "reviews" }],
      rules: [{ backendRefs: [{ name: "web", port: 80 }] }],
    }),
    { web: ["route"] },
  ],
  [
    object(API, "ListenerSet", "set", {
      parentRef: { name: "api" },
      listeners: [{ name: "more", port: 8081, protocol: "HTTP" }],
    }),
    { api: ["listener"], web: [], edge: [] },
  ],
  [
    object(API, "BackendTLSPolicy", "tls", {
      targetRefs: [{ group: "", kind: "Service", name: "reviews" }],
      validation: { hostname: "reviews.example", wellKnownCACertificates: "System" },
    }),
    { web: ["cluster"], edge: ["cluster"] },
  ],
  [
    WORLD.find(({ kind, metadata }) => kind === "Gateway" && metadata.name === "api")!,
    { api: ["listener"], web: [], edge: [] },
  ],
];

it.each(
  CASES.map(([made, expected]) => [`${made.kind} ${made.metadata.name}`, made, expected] as const),
)("%s", (_, made, expected) => {
  const translator = createTranslator({ mesh: ANY_MESH, envoyApi: { canonical, merge } });
  translator.setWasmModule(JSON.stringify([MODULE, "", "", "", ""]), {
    state: "ready",
    bytes: "AGFzbQ==",
  });
  translator.apply([...WORLD, made].map((each) => ({ key: objectKey(each), object: each })));
  const views = Object.values(PROXIES).map((proxy) => translator.view(proxy));
  for (const view of views) for (const type of RESOURCE_TYPES) view.resources(type);
  const effects = new Map(
    translator
      .effectOf(objectKey(made))
      .map(({ proxy, resources }) => [
        String(proxy.pod).split(".")[0] as Name,
        [...new Set(resources.map(({ type }) => type as string))],
      ]),
  );
  for (const [proxy, types] of Object.entries(expected)) {
    const found = effects.get(proxy as Name) ?? [];
    const all = `${proxy} of ${JSON.stringify([...effects])}`;
    if (types.length === 0) expect(found, all).toEqual([]);
    else expect(found, all).toEqual(expect.arrayContaining(types as string[]));
  }
});
