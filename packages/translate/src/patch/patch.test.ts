/** What patches do to the resources of a proxy, and that others keep sharing theirs. */
import { canonical, merge } from "@heddle/envoy";
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import type { FilterChain, Listener } from "@heddle/envoy/config/listener/v3";
import type { RouteConfiguration } from "@heddle/envoy/config/route/v3";
import type { HttpConnectionManager } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import { type EnvoyFilter, objectKey } from "@heddle/model";
import { expect, test } from "vitest";
import { gateway, object, pod, service } from "../../../../test/harness/objects.ts";
import { createTranslator, parseNode, type ProxyView } from "../index.ts";
import { ANY_MESH } from "../testing/mesh.ts";

type Patch = NonNullable<EnvoyFilter["configPatches"]>[number];

const OBJECTS = [
  pod({ name: "web", address: "10.0.0.1", labels: { app: "web" } }),
  pod({ name: "edge", address: "10.0.0.9", labels: { istio: "ingressgateway" } }),
  ...service("web", [{ name: "http", port: 80, targetPort: 8080 }], ["10.0.0.1"], {
    clusterIP: "10.1.0.1",
  }),
  ...service("db", [{ name: "tcp", port: 5432 }], ["10.0.0.1"], { clusterIP: "10.1.0.2" }),
  gateway("gw", {
    selector: { istio: "ingressgateway" },
    servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
  }),
];

function filter(
  name: string,
  patches: readonly Patch[],
  {
    namespace = "default",
    ...rest
  }: Partial<EnvoyFilter> & { namespace?: string; at?: string } = {},
) {
  const { at, ...spec } = rest;
  return object<EnvoyFilter>(
    "networking.istio.io/v1alpha3",
    "EnvoyFilter",
    name,
    { ...spec, configPatches: patches },
    namespace,
    at === undefined ? {} : { creationTimestamp: at },
  );
}

function started(filters: readonly ReturnType<typeof filter>[]) {
  const translator = createTranslator({ mesh: ANY_MESH, envoyApi: { canonical, merge } });
  translator.apply(
    [...OBJECTS, ...filters].map((each) => ({ key: objectKey(each), object: each })),
  );
  return translator;
}

const SIDECAR = parseNode({
  id: "sidecar~10.0.0.1~web.default~default.svc.cluster.local",
  metadata: { LABELS: { app: "web" }, ISTIO_VERSION: "1.29.1", TIER: "gold" },
});
const OTHER = parseNode({
  id: "sidecar~10.0.0.2~other.default~default.svc.cluster.local",
  metadata: { LABELS: { app: "other" } },
});
const GATEWAY = parseNode({
  id: "router~10.0.0.9~edge.default~default.svc.cluster.local",
  metadata: { LABELS: { istio: "ingressgateway" } },
});

function patched(patches: readonly Patch[], proxy = SIDECAR): ProxyView {
  const translator = started([filter("f", patches)]);
  expect(translator.diagnostics()).toEqual([]);
  return translator.view(proxy);
}

const listener = (view: ProxyView, name: string) => view.named("listener", name) as Listener;
const chain = (view: ProxyView, name: string, of = "virtualInbound") =>
  listener(view, of).filterChains?.find((each) => each.name === name) as FilterChain;
const manager = (each: FilterChain) =>
  each.filters?.find(({ name }) => name?.endsWith("http_connection_manager"))
    ?.typedConfig as HttpConnectionManager;
const names = (each: FilterChain) => manager(each).httpFilters?.map(({ name }) => name);

const ROUTER = {
  filterChain: { filter: { name: HCM(), subFilter: { name: "envoy.filters.http.router" } } },
};
function HCM(): string {
  return "envoy.filters.network.http_connection_manager";
}

test("an HTTP filter goes in before, after, first and last, and takes another's place", () => {
  const at = (operation: NonNullable<Patch["patch"]>["operation"], asks = true) =>
    names(
      chain(
        patched([
          {
            applyTo: "HTTP_FILTER",
            match: { context: "SIDECAR_INBOUND", listener: asks ? ROUTER : {} },
            patch: { operation: operation!, value: { name: "x" } },
          },
        ]),
        "8080-plain",
      ),
    );
  const before = names(chain(patched([]), "8080-plain")) ?? [];
  expect(before.at(-1)).toBe("envoy.filters.http.router");
  expect(at("INSERT_BEFORE")).toEqual(before.toSpliced(-1, 0, "x"));
  expect(at("INSERT_AFTER")).toEqual([...before, "x"]);
  expect(at("INSERT_BEFORE", false)).toEqual(["x", ...before]);
  expect(at("INSERT_FIRST")).toEqual(["x", ...before]);
  expect(at("ADD")).toEqual([...before, "x"]);
  expect(at("REPLACE")).toEqual(before.with(-1, "x"));
  expect(at("REMOVE")).toEqual(before.slice(0, -1));
  expect(at("REMOVE", false)).toEqual(before);
});

test("only the chain of the port that is named, in the listener that captures", () => {
  const view = patched([
    {
      applyTo: "NETWORK_FILTER",
      match: { context: "SIDECAR_INBOUND", listener: { portNumber: 8080 } },
      patch: { operation: "INSERT_FIRST", value: { name: "x" } },
    },
  ]);
  const first = listener(view, "virtualInbound").filterChains?.map((each) => [
    each.name,
    each.filters?.[0]?.name === "x",
  ]);
  expect(first).toEqual(
    [
      ["virtualInbound-blackhole", false],
      ["8080-mtls", true],
      ["8080-plain", true],
      ["5432-mtls", false],
      ["5432-tls", false],
      ["5432-plain", false],
      ["virtualInbound-mtls-http", false],
      ["virtualInbound-mtls", false],
      ["virtualInbound-tls", false],
      ["virtualInbound-plain-http", false],
      ["virtualInbound-plain", false],
    ].toSorted((a, b) => order(a) - order(b)),
  );
  function order([name]: (string | boolean)[]): number {
    return (
      listener(view, "virtualInbound").filterChains?.findIndex((each) => each.name === name) ?? -1
    );
  }
});

test("merges into a filter's own configuration, in either case of names", () => {
  const view = patched([
    {
      applyTo: "NETWORK_FILTER",
      match: {
        context: "SIDECAR_OUTBOUND",
        listener: { filterChain: { filter: { name: HCM() } } },
      },
      patch: {
        operation: "MERGE",
        value: {
          typed_config: {
            "@type":
              "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            common_http_protocol_options: { idle_timeout: "30s" },
            server_name: "patched",
          },
        },
      },
    },
  ]);
  const own = manager(listener(view, "0.0.0.0_80").filterChains?.[0] as FilterChain);
  expect(own).toMatchObject({
    serverName: "patched",
    commonHttpProtocolOptions: { idleTimeout: "30s", maxHeadersCount: 100 },
    statPrefix: "outbound_0.0.0.0_80",
  });
  // A TCP proxy is no HTTP connection manager.
  expect(JSON.stringify(listener(view, "10.1.0.2_5432"))).not.toContain("patched");
});

test("listeners are merged, removed and added; filter chains and listener filters too", () => {
  const view = patched([
    {
      applyTo: "LISTENER",
      match: { listener: { name: "virtualInbound" } },
      patch: { operation: "MERGE", value: { per_connection_buffer_limit_bytes: 4096 } },
    },
    {
      applyTo: "LISTENER",
      match: { context: "SIDECAR_OUTBOUND", listener: { portNumber: 5432 } },
      patch: { operation: "REMOVE" },
    },
    {
      applyTo: "LISTENER",
      match: { context: "SIDECAR_OUTBOUND" },
      patch: { operation: "ADD", value: { name: "mine" } },
    },
    {
      applyTo: "FILTER_CHAIN",
      match: { listener: { filterChain: { name: "5432-plain" } } },
      patch: { operation: "REMOVE" },
    },
    {
      applyTo: "FILTER_CHAIN",
      match: { context: "SIDECAR_INBOUND", listener: { name: "virtualInbound" } },
      patch: { operation: "ADD", value: { name: "more" } },
    },
    {
      applyTo: "FILTER_CHAIN",
      match: {
        listener: { filterChain: { destinationPort: 8080, transportProtocol: "raw_buffer" } },
      },
      patch: { operation: "MERGE", value: { transport_socket_connect_timeout: "3s" } },
    },
    {
      applyTo: "LISTENER_FILTER",
      match: {
        context: "SIDECAR_INBOUND",
        listener: { listenerFilter: "envoy.filters.listener.tls_inspector" },
      },
      patch: { operation: "INSERT_BEFORE", value: { name: "x" } },
    },
  ]);
  const inbound = listener(view, "virtualInbound");
  expect(inbound.perConnectionBufferLimitBytes).toBe(4096);
  expect(view.resources("listener").has("10.1.0.2_5432")).toBe(false);
  expect(listener(view, "mine")).toEqual({ name: "mine" });
  expect(inbound.filterChains?.map(({ name }) => name)).not.toContain("5432-plain");
  expect(inbound.filterChains?.at(-1)?.name).toBe("more");
  expect(chain(view, "8080-plain").transportSocketConnectTimeout).toBe("3s");
  expect(chain(view, "8080-mtls").transportSocketConnectTimeout).toBeUndefined();
  expect(inbound.listenerFilters?.map(({ name }) => name)).toEqual([
    "envoy.filters.listener.original_dst",
    "x",
    "envoy.filters.listener.tls_inspector",
    "envoy.filters.listener.http_inspector",
  ]);
});

test("routes are found by port, virtual host and name, outside and inside of a listener", () => {
  const view = patched([
    {
      applyTo: "ROUTE_CONFIGURATION",
      match: { routeConfiguration: { portNumber: 80 } },
      patch: { operation: "MERGE", value: { response_headers_to_remove: ["server"] } },
    },
    {
      applyTo: "VIRTUAL_HOST",
      match: { routeConfiguration: { vhost: { domainName: "web" } } },
      patch: { operation: "MERGE", value: { include_attempt_count_in_response: true } },
    },
    {
      applyTo: "HTTP_ROUTE",
      match: {
        context: "SIDECAR_INBOUND",
        routeConfiguration: { vhost: { route: { action: "ROUTE" } } },
      },
      patch: { operation: "MERGE", value: { route: { timeout: "3s" } } },
    },
    {
      applyTo: "HTTP_ROUTE",
      match: { context: "SIDECAR_INBOUND", routeConfiguration: { name: "inbound|8080||" } },
      patch: {
        operation: "INSERT_FIRST",
        value: { match: { path: "/ping" }, direct_response: { status: 204 } },
      },
    },
  ]);
  const route = view.named("route", "80") as RouteConfiguration;
  expect(route.responseHeadersToRemove).toEqual(["server"]);
  expect(route.virtualHosts?.map((host) => host.includeAttemptCountInResponse)).toEqual([
    true,
    undefined,
  ]);
  const inbound = manager(chain(view, "8080-plain")).routeConfig?.virtualHosts?.[0]?.routes;
  expect(inbound?.[0]).toEqual({ match: { path: "/ping" }, directResponse: { status: 204 } });
  expect(inbound?.[1]?.route?.timeout).toBe("3s");
});

test("a gateway's routes are found by the server's port, by port name and gateway", () => {
  const view = patched(
    [
      {
        applyTo: "VIRTUAL_HOST",
        match: { context: "GATEWAY", routeConfiguration: { portNumber: 80 } },
        patch: { operation: "ADD", value: { name: "x", domains: ["x"] } },
      },
      {
        applyTo: "VIRTUAL_HOST",
        match: { context: "SIDECAR_OUTBOUND" },
        patch: { operation: "REMOVE" },
      },
    ],
    GATEWAY,
  );
  const route = view.named("route", "http.80") as RouteConfiguration;
  expect(route.virtualHosts?.at(-1)?.name).toBe("x");
});

test("clusters are merged by service, port and subset, removed with their endpoints, and added", () => {
  const web = "outbound|80||web.default.svc.cluster.local";
  const view = patched([
    {
      applyTo: "CLUSTER",
      match: { cluster: { service: "web.default.svc.cluster.local", portNumber: 80 } },
      patch: {
        operation: "MERGE",
        value: {
          connect_timeout: "1s",
          transport_socket: {
            name: "envoy.transport_sockets.tls",
            typed_config: {
              "@type":
                "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
              max_session_keys: 3,
            },
          },
        },
      },
    },
    {
      applyTo: "CLUSTER",
      match: { cluster: { name: "outbound|5432||db.default.svc.cluster.local" } },
      patch: { operation: "REMOVE" },
    },
    {
      applyTo: "CLUSTER",
      patch: { operation: "ADD", value: { name: "auth", type: "STATIC" } },
    },
  ]);
  const cluster = view.named("cluster", web) as Cluster;
  expect(cluster.connectTimeout).toBe("1s");
  expect(cluster.transportSocket).toBeUndefined();
  expect(cluster.transportSocketMatches?.[0]?.transportSocket?.typedConfig).toMatchObject({
    maxSessionKeys: 3,
    commonTlsContext: {},
  });
  expect((view.named("cluster", "inbound|8080||") as Cluster).connectTimeout).not.toBe("1s");
  for (const type of ["cluster", "endpoint"] as const)
    expect([...view.resources(type).keys()].filter((name) => name.includes("5432||db"))).toEqual(
      [],
    );
  expect(view.named("cluster", "auth")).toEqual({ name: "auth", type: "STATIC" });
});

test("applies the root namespace first, then by priority, then the oldest", () => {
  const naming = (text: string): Patch[] => [
    {
      applyTo: "LISTENER",
      match: { listener: { name: "virtualInbound" } },
      patch: { operation: "MERGE", value: { stat_prefix: text } },
    },
  ];
  const prefix = (...filters: ReturnType<typeof filter>[]) =>
    listener(started(filters).view(SIDECAR), "virtualInbound").statPrefix;
  const young = filter("young", naming("young"), { at: "2026-02-01T00:00:00Z" });
  const old = filter("zold", naming("old"), { at: "2026-01-01T00:00:00Z" });
  const late = filter("late", naming("late"), { at: "2025-01-01T00:00:00Z", priority: 10 });
  const root = filter("root", naming("root"), { namespace: "istio-system", priority: 99 });
  expect(prefix(young, old)).toBe("young");
  expect(prefix(late, young, old)).toBe("late");
  expect(prefix(root, old)).toBe("old");
  expect(prefix(root)).toBe("root");
  expect(prefix(filter("elsewhere", naming("x"), { namespace: "other" }))).toBeUndefined();
});

test("selects proxies by labels, version, metadata and the kind of proxy", () => {
  const patch = (match: Patch["match"]): Patch => ({
    applyTo: "LISTENER",
    ...(match ? { match } : {}),
    patch: { operation: "MERGE", value: { stat_prefix: "x" } },
  });
  const applies = (match: Patch["match"], proxy = SIDECAR, spec: Partial<EnvoyFilter> = {}) =>
    JSON.stringify([
      ...started([filter("f", [patch(match)], spec)])
        .view(proxy)
        .resources("listener")
        .values(),
    ]).includes('"statPrefix":"x"');
  expect(applies(undefined)).toBe(true);
  expect(applies(undefined, SIDECAR, { workloadSelector: { labels: { app: "web" } } })).toBe(true);
  expect(applies(undefined, OTHER, { workloadSelector: { labels: { app: "web" } } })).toBe(false);
  expect(applies({ proxy: { proxyVersion: "^1\\.29" } })).toBe(true);
  expect(applies({ proxy: { proxyVersion: "^1\\.30" } })).toBe(false);
  expect(applies({ proxy: { proxyVersion: ".*" } }, OTHER)).toBe(false);
  expect(applies({ proxy: { metadata: { TIER: "gold" } } })).toBe(true);
  expect(applies({ proxy: { metadata: { TIER: "lead" } } })).toBe(false);
  expect(applies({ context: "GATEWAY" })).toBe(false);
  expect(applies({ context: "GATEWAY" }, GATEWAY)).toBe(true);
  const labelled = {
    ...GATEWAY,
    labels: { ...GATEWAY.labels, "gateway.networking.k8s.io/gateway-name": "edge" },
  };
  const targetRefs = [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" }];
  expect(applies(undefined, labelled, { targetRefs })).toBe(true);
  expect(applies(undefined, GATEWAY, { targetRefs })).toBe(false);
});

test("others share what a patched proxy has of its own, and what no patch touches stays shared", () => {
  const translator = started([
    filter(
      "f",
      [
        {
          applyTo: "CLUSTER",
          match: { cluster: { portNumber: 80 } },
          patch: { operation: "MERGE", value: { connect_timeout: "7s" } },
        },
      ],
      { workloadSelector: { labels: { app: "web" } } },
    ),
  ]);
  const [own, other] = [translator.view(SIDECAR), translator.view(OTHER)];
  const [web, db] = ["outbound|80||web", "outbound|5432||db"].map(
    (name) => `${name}.default.svc.cluster.local`,
  );
  expect(own.named("cluster", web!)).not.toBe(other.named("cluster", web!));
  expect(own.named("cluster", db!)).toBe(other.named("cluster", db!));
  expect(own.named("route", "80")).toBe(other.named("route", "80"));
  const twin = translator.view({ ...SIDECAR, id: "sidecar~10.0.0.3~twin.default~x" });
  expect(twin.named("cluster", web!)).toBe(own.named("cluster", web!));
  const key = "networking.istio.io/EnvoyFilter/default/f";
  expect(own.origins("cluster", web!)).toContain(key);
  expect(own.origins("cluster", db!)).not.toContain(key);
  expect(other.origins("cluster", web!)).not.toContain(key);
  expect(translator.effectOf(key).map(({ proxy, resources }) => [proxy.pod, resources])).toEqual(
    ["web", "web"].map((name) => [name, [{ type: "cluster", name: web }]]),
  );
});

test("a wrong value is an error at the object, and all of the object is left out", () => {
  const translator = started([
    filter("f", [
      { applyTo: "LISTENER", patch: { operation: "MERGE", value: { stat_prefix: "x" } } },
      {
        applyTo: "CLUSTER",
        patch: { operation: "MERGE", value: { outlier_detection: { consecutive_5xs: 1 } } },
      },
    ]),
  ]);
  expect(translator.diagnostics()).toEqual([
    {
      code: "HDL4003",
      level: "Error",
      origin: "EnvoyFilter default/f",
      path: "spec.configPatches[1].patch.value.outlierDetection.consecutive_5xs",
      message: expect.stringContaining("has no field"),
      remedy: "Did you mean consecutive5xx?",
    },
  ]);
  expect(listener(translator.view(SIDECAR), "virtualInbound").statPrefix).toBeUndefined();
  translator.apply([{ key: "networking.istio.io/EnvoyFilter/default/f", object: null }]);
  expect(translator.diagnostics()).toEqual([]);
});

test("an operation that does nothing at its place is told", () => {
  const translator = started([
    filter("f", [{ applyTo: "BOOTSTRAP", patch: { operation: "REMOVE" } }]),
  ]);
  expect(translator.diagnostics()).toMatchObject([
    { code: "HDL4004", level: "Warning", path: "spec.configPatches[0].patch.operation" },
  ]);
});
