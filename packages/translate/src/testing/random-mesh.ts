/** Random meshes of every kind that is translated, random changes of them, and proxies that look at them. */
import { type MeshObject, objectKey } from "@heddle/model";
import fc from "fast-check";
import { authorizationPolicy } from "./random-authorization.ts";
import { someGatewayApi } from "./random-gateway-api.ts";
import { proxyConfig, meshSettings } from "./random-settings.ts";
import { routeFeatures } from "./random-routes.ts";
import { object } from "../../../../test/harness/objects.ts";
import { parseNode } from "../index.ts";
import type { Change } from "../overlay.ts";

const NAMESPACES = ["a", "b", "istio-system"];
const NAMES = ["one", "two"];
const HOSTS = [
  "one",
  "two",
  "one.a.svc.cluster.local",
  "two.b.svc.cluster.local",
  "*.a.svc.cluster.local",
  "*",
];

export const PROXIES = [
  parseNode({
    id: "sidecar~10.0.0.1~client.a~a.svc.cluster.local",
    metadata: { LABELS: { app: "one", tier: "gold" }, NETWORK: "east" },
  }),
  parseNode({
    id: "sidecar~10.0.0.4~other.b~b.svc.cluster.local",
    metadata: { LABELS: { app: "two" }, INTERCEPTION_MODE: "NONE", HTTP_PROXY_PORT: 15080 },
    locality: { region: "r1", zone: "z1" },
  }),
  parseNode({
    id: "sidecar~10.0.0.2~third.b~b.svc.cluster.local",
    metadata: {
      LABELS: { app: "two", tier: "lead", "heddle.dev/on-demand": "true" },
      HEDDLE_ON_DEMAND: "true",
      HEDDLE_COHORT: "candidate",
      INSTANCE_IPS: "10.0.0.2,fd00::2",
    },
  }),
  parseNode({
    id: "router~10.0.0.9~edge.istio-system~istio-system.svc.cluster.local",
    metadata: {
      NETWORK: "west",
      LABELS: { istio: "ingressgateway", "gateway.networking.k8s.io/gateway-name": "api" },
    },
  }),
];

const namespace = fc.constantFrom(...NAMESPACES);
const name = fc.constantFrom(...NAMES);
const exportTo = fc.constantFrom(undefined, ["*"], ["."], ["b"], ["a", "b"]);
const created = fc.constantFrom("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");

const service = fc
  .record({
    namespace,
    name,
    headless: fc.boolean(),
    exportTo: fc.constantFrom(undefined, ".", "b"),
    ports: fc.uniqueArray(fc.constantFrom("http", "grpc", "tcp", "other"), { minLength: 1 }),
    externalName: fc.constantFrom(
      ...[undefined, undefined, undefined, undefined],
      ...["one.a.svc.cluster.local", "two.b.svc.cluster.local", "db.test"],
    ),
    near: fc.constantFrom(
      ...[{}, {}, {}, { internalTrafficPolicy: "Local" }],
      ...[{ trafficDistribution: "PreferClose" }, { trafficDistribution: "PreferSameNode" }],
    ),
    into: fc.constantFrom(undefined, undefined, undefined, "west"),
  })
  .map(
    ({ namespace: ns, name: service, headless, exportTo: to, ports, externalName, near, into }) =>
      object(
        "v1",
        "Service",
        service,
        {
          clusterIP: headless ? "None" : `10.9.${NAMESPACES.indexOf(ns)}.${NAMES.indexOf(service)}`,
          selector: { app: service },
          ...near,
          ...(externalName ? { type: "ExternalName", externalName } : {}),
          ...(into ? { externalIPs: ["192.0.2.9"] } : {}),
          ports: ports.map((port) => ({
            name: port,
            port: { http: 80, grpc: 81, tcp: 90, other: 95 }[port],
            targetPort: 8080,
          })),
        },
        ns,
        {
          ...(to === undefined ? {} : { annotations: { "networking.istio.io/exportTo": to } }),
          ...(into ? { labels: { "topology.istio.io/network": into } } : {}),
        },
      ),
  );

const slice = fc
  .record({
    namespace,
    name,
    which: fc.constantFrom("x", "y"),
    ports: fc.uniqueArray(fc.constantFrom("http", "grpc", "tcp"), { minLength: 1 }),
    pods: fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { maxLength: 3 }),
    ready: fc.boolean(),
  })
  .map(({ namespace: ns, name: service, which, ports, pods, ready }) =>
    object(
      "discovery.k8s.io/v1",
      "EndpointSlice",
      `${service}-${which}`,
      {
        addressType: "IPv4",
        ports: ports.map((port) => ({ name: port, port: 8080 })),
        endpoints: pods.map((pod) => ({
          addresses: [`10.0.0.${pod}`],
          ...(pod > 3 ? { hostname: `pod-${pod}` } : {}),
          conditions: { ready },
          targetRef: { kind: "Pod", name: `pod-${pod}` },
        })),
      },
      ns,
      { labels: { "kubernetes.io/service-name": service } },
    ),
  );

const pod = fc
  .record({
    namespace,
    number: fc.integer({ min: 1, max: 5 }),
    app: name,
    version: fc.constantFrom("v1", "v2"),
    mesh: fc.boolean(),
    zone: fc.constantFrom("z1", "z2"),
    addressed: fc.boolean(),
  })
  .map(({ namespace: ns, number, app, version, mesh, zone, addressed }) =>
    object(
      "v1",
      "Pod",
      `pod-${number}`,
      {
        serviceAccountName: `${app}-${version}`,
        containers: mesh ? [{ name: "istio-proxy" }] : [],
        nodeName: `node-${zone}-${version}`,
        status: { ...(addressed ? { podIP: `10.0.0.${number}` } : {}), phase: "Running" },
      },
      ns,
      {
        labels: {
          app,
          version,
          "topology.kubernetes.io/region": "r1",
          "topology.kubernetes.io/zone": zone,
        },
      },
    ),
  );

const virtualService = fc
  .record({
    namespace,
    name,
    hosts: fc.uniqueArray(fc.constantFrom(...HOSTS, "out.example.com", "*.example.com", "one.a"), {
      minLength: 1,
      maxLength: 2,
    }),
    gateways: fc.constantFrom(undefined, ["mesh"], ["a/gw"], ["gw", "mesh"]),
    sourceLabels: fc.constantFrom(undefined, { tier: "gold" }),
    subset: fc.constantFrom(undefined, "v1", "v2"),
    features: routeFeatures,
    exportTo,
    created,
  })
  .map(({ namespace: ns, name: rule, created: creationTimestamp, sourceLabels, subset, ...spec }) =>
    object(
      "networking.istio.io/v1",
      "VirtualService",
      rule,
      {
        hosts: spec.hosts,
        ...(spec.gateways ? { gateways: spec.gateways } : {}),
        ...(spec.exportTo ? { exportTo: spec.exportTo } : {}),
        http: [
          {
            name: "gold",
            ...(sourceLabels ? { match: [{ sourceLabels, uri: { prefix: "/gold" } }] } : {}),
            route: [
              { destination: { host: "one.a.svc.cluster.local", ...(subset ? { subset } : {}) } },
            ],
          },
          ...spec.features.answers,
          { route: [{ destination: { host: "two.b.svc.cluster.local" } }], ...spec.features.more },
        ],
      },
      ns,
      { creationTimestamp },
    ),
  );

/** Rules for connections, in the clear and in TLS. */
const connectionRules = fc
  .record({
    namespace,
    name: fc.constantFrom("bytes", "more-bytes"),
    hosts: fc.uniqueArray(fc.constantFrom(...HOSTS, "x.test", "*.test"), {
      minLength: 1,
      maxLength: 2,
    }),
    gateways: fc.constantFrom(undefined, ["mesh"], ["a/gw"], ["gw", "mesh"]),
    match: fc.constantFrom(
      {},
      { port: 90 },
      { sourceLabels: { tier: "gold" } },
      { sourceNamespace: "a" },
      { destinationSubnets: ["10.0.0.0/8"] },
    ),
    sniHosts: fc.constantFrom(["x.test"], ["*.test"], ["one.a.svc.cluster.local", "x.test"]),
    subset: fc.constantFrom(undefined, "v1"),
    created,
  })
  .map(({ namespace: ns, name: rule, created: creationTimestamp, match, sniHosts, ...spec }) => {
    const one = {
      host: "one.a.svc.cluster.local",
      port: { number: 90 },
      ...(spec.subset ? { subset: spec.subset } : {}),
    };
    const two = { host: "two.b.svc.cluster.local" };
    return object(
      "networking.istio.io/v1",
      "VirtualService",
      rule,
      {
        hosts: spec.hosts,
        ...(spec.gateways ? { gateways: spec.gateways } : {}),
        tls: [{ match: [{ ...match, sniHosts }], route: [{ destination: one }] }],
        tcp: [
          ...(Object.keys(match).length > 0
            ? [{ match: [match], route: [{ destination: one }] }]
            : []),
          {
            route: [
              { destination: one, weight: 30 },
              { destination: two, weight: 70 },
            ],
          },
        ],
      },
      ns,
      { creationTimestamp },
    );
  });

/** One of them is a delegate, where the random roots look for it. */
const delegation = fc
  .record({
    namespace,
    root: fc.boolean(),
    to: fc.constantFrom(undefined, ...NAMESPACES),
    prefix: fc.constantFrom("/gold", "/gold/more", "/"),
    sourceLabels: fc.constantFrom(undefined, { tier: "gold" }),
    exportTo,
    created,
  })
  .map(({ namespace: ns, root, to, prefix, sourceLabels, created: creationTimestamp, ...spec }) => {
    const match = [{ uri: { prefix }, ...(sourceLabels ? { sourceLabels } : {}) }];
    return object(
      "networking.istio.io/v1",
      "VirtualService",
      root ? "root" : "part",
      {
        ...(root ? { hosts: ["one"] } : {}),
        ...(spec.exportTo ? { exportTo: spec.exportTo } : {}),
        http: [
          root
            ? { match, delegate: { name: "part", ...(to ? { namespace: to } : {}) } }
            : { match, route: [{ destination: { host: "two" } }] },
        ],
      },
      ns,
      { creationTimestamp },
    );
  });

const destinationRule = fc
  .record({
    namespace,
    name,
    host: fc.constantFrom(...HOSTS.slice(0, 5)),
    outliers: fc.boolean(),
    limited: fc.boolean(),
    simple: fc.constantFrom(undefined, "ROUND_ROBIN", "PASSTHROUGH"),
    hash: fc.boolean(),
    priority: fc.constantFrom(undefined, ["tier"], ["topology.kubernetes.io/zone", "tier=lead"]),
    zones: fc.constantFrom(false, false, true),
    load: fc.constantFrom(false, false, true),
    port: fc.boolean(),
    tunnel: fc.boolean(),
    selector: fc.constantFrom(undefined, undefined, { tier: "gold" }, { app: "two" }, {}),
    mode: fc.constantFrom(undefined, "DISABLE", "SIMPLE", "ISTIO_MUTUAL"),
    subsets: fc.uniqueArray(fc.constantFrom("v1", "v2")),
    exportTo,
    created,
  })
  .map(({ namespace: ns, name: rule, created: creationTimestamp, ...of }) =>
    object(
      "networking.istio.io/v1",
      "DestinationRule",
      rule,
      {
        host: of.host,
        ...(of.exportTo ? { exportTo: of.exportTo } : {}),
        ...(of.selector ? { workloadSelector: { matchLabels: of.selector } } : {}),
        trafficPolicy: {
          ...(of.outliers ? { outlierDetection: { consecutive5xxErrors: 3 } } : {}),
          ...(of.limited ? { connectionPool: { http: { http2MaxRequests: 3 } } } : {}),
          loadBalancer: {
            ...(of.hash
              ? { consistentHash: { httpHeaderName: "x-user" } }
              : of.load
                ? { backendUtilization: {} }
                : of.simple
                  ? { simple: of.simple }
                  : {}),
            ...(of.zones
              ? { zoneAwareLbSetting: { minClusterSize: 1 } }
              : of.priority
                ? { localityLbSetting: { failoverPriority: of.priority } }
                : {}),
          },
          ...(of.tunnel ? { tunnel: { targetHost: "example.com", targetPort: 443 } } : {}),
          ...(of.port
            ? { portLevelSettings: [{ port: { number: 80 }, tls: { mode: "DISABLE" } }] }
            : {}),
          ...(of.mode ? { tls: { mode: of.mode } } : {}),
        },
        subsets: of.subsets.map((version) => ({ name: version, labels: { version } })),
      },
      ns,
      { creationTimestamp },
    ),
  );

const SERVERS = {
  http: { port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] },
  https: {
    port: { number: 443, name: "https", protocol: "HTTPS" },
    hosts: ["*"],
    tls: { mode: "SIMPLE", credentialName: "edge" },
  },
  names: {
    port: { number: 443, name: "tls", protocol: "TLS" },
    hosts: ["*.test"],
    tls: { mode: "PASSTHROUGH" },
  },
  bytes: { port: { number: 90, name: "tcp", protocol: "TCP" }, hosts: ["*"] },
  networks: {
    port: { number: 15443, name: "networks", protocol: "TLS" },
    hosts: ["./*.local", "*/x.b.svc.cluster.local"],
    tls: { mode: "AUTO_PASSTHROUGH" },
  },
  beside: {
    port: { number: 80, name: "beside", protocol: "HTTP" },
    hosts: ["*"],
    defaultEndpoint: "127.0.0.1:9000",
    name: "beside",
  },
} as const;

const gateway = fc
  .record({
    namespace,
    serves: fc.constantFrom("http", "https", "names", "bytes", "networks", "beside"),
  })
  .map(({ namespace: ns, serves }) =>
    object(
      "networking.istio.io/v1",
      "Gateway",
      "gw",
      {
        selector: { istio: "ingressgateway" },
        servers: [SERVERS[serves]],
      },
      ns,
    ),
  );

const peerAuthentication = fc
  .record({ namespace, mode: fc.constantFrom("STRICT", "DISABLE", "PERMISSIVE") })
  .map(({ namespace: ns, mode }) =>
    object("security.istio.io/v1", "PeerAuthentication", "default", { mtls: { mode } }, ns),
  );

const sidecar = fc
  .record({
    ns: namespace,
    hosts: fc.subarray(["./*", "*/*", "a/*", "b/x.b.svc.cluster.local"], { minLength: 1 }),
    port: fc.option(fc.constantFrom(80, 9080), { nil: undefined }),
    app: fc.option(fc.constantFrom("a", "b"), { nil: undefined }),
    policy: fc.option(fc.constantFrom("ALLOW_ANY", "REGISTRY_ONLY"), { nil: undefined }),
    ingress: fc.boolean(),
  })
  .map(({ ns, hosts, port, app, policy, ingress }) =>
    object(
      "networking.istio.io/v1",
      "Sidecar",
      app ?? "default",
      {
        ...(app ? { workloadSelector: { labels: { app } } } : {}),
        egress: [
          ...(port ? [{ port: { number: port, protocol: "HTTP", name: "http" }, hosts }] : []),
          { hosts },
        ],
        ...(policy ? { outboundTrafficPolicy: { mode: policy } } : {}),
        ...(ingress
          ? { ingress: [{ port: { number: 9080, protocol: "HTTP", name: "http" } }] }
          : {}),
      },
      ns,
    ),
  );

const overloadPolicy = fc
  .record({ ns: namespace, max: fc.integer({ min: 3, max: 9 }) })
  .map(({ ns, max }) =>
    object("heddle.dev/v1", "OverloadPolicy", "all", { concurrency: { max } }, ns),
  );

const requestValidation = fc
  .record({
    ns: namespace,
    name,
    target: fc.constantFrom(
      {},
      { selector: { matchLabels: { app: "two" } } },
      { targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "api" }] },
    ),
    mode: fc.constantFrom("ENFORCE" as const, "REPORT" as const),
    urlBytes: fc.constantFrom(undefined, 100, 200),
    headers: fc.constantFrom(undefined, 50, 500),
    escapedSlashes: fc.constantFrom(undefined, "DECODE" as const, "REFUSE" as const),
    rules: fc.array(
      fc.constantFrom(
        { match: { path: { prefix: "/a" } }, methods: ["GET"] },
        { match: { route: "gold" }, contentTypes: ["text/*"], maxBodyBytes: 10 },
      ),
      { maxLength: 2 },
    ),
    document: fc.constantFrom(undefined, "openapi: 3.1.0"),
    created,
  })
  .map(({ ns, name: called, target, mode, urlBytes, headers, escapedSlashes, rules, ...rest }) =>
    object(
      "heddle.dev/v1",
      "RequestValidation",
      called,
      {
        ...{ ...target, mode, rules },
        limits: {
          ...(urlBytes === undefined ? {} : { urlBytes }),
          ...(headers === undefined ? {} : { headers }),
        },
        ...(escapedSlashes ? { paths: { escapedSlashes } } : {}),
        ...(rest.document === undefined ? {} : { openapi: { document: rest.document } }),
      },
      ns,
      { creationTimestamp: rest.created },
    ),
  );

const fallback = fc
  .record({
    ns: namespace,
    name,
    host: fc.constantFrom("one", "two.b.svc.cluster.local"),
    subset: fc.constantFrom(undefined, undefined, "v1"),
    routes: fc.constantFrom(undefined, undefined, ["gold"]),
    to: fc.constantFrom(undefined, "one.a.svc.cluster.local", "two.b.svc.cluster.local"),
    created,
  })
  .map(({ ns, name: declared, host, subset, routes, to, created: creationTimestamp }) =>
    object(
      "heddle.dev/v1",
      "Fallback",
      declared,
      {
        host,
        ...(subset ? { subset } : {}),
        ...(routes ? { routes } : {}),
        ...(to ? { destination: { host: to } } : { response: { status: 200, body: "[]" } }),
      },
      ns,
      { creationTimestamp },
    ),
  );

const rateLimit = fc
  .record({
    ns: namespace,
    requests: fc.integer({ min: 1, max: 3 }),
    app: fc.constantFrom("a", "b"),
  })
  .map(({ ns, requests, app }) =>
    object(
      "heddle.dev/v1",
      "RateLimit",
      "few",
      { selector: { matchLabels: { app } }, limits: [{ requests, per: "1s" }] },
      ns,
    ),
  );

const JWKS = JSON.stringify({
  keys: [{ kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }],
});

const requestAuthentication = fc
  .record({
    ns: namespace,
    policy: name,
    of: fc.constantFrom(
      {},
      { selector: { matchLabels: { app: "one" } } },
      { targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "api" }] },
    ),
    keys: fc.constantFrom({ jwks: JWKS }, { jwksUri: "https://issuer.test/keys" }),
    place: fc.constantFrom({}, { fromHeaders: [{ name: "x-token" }] }),
    presence: fc.constantFrom(undefined, "REQUIRED"),
    empty: fc.constantFrom(false, false, true),
    created,
  })
  .map(({ ns, policy, of, keys, place, presence, empty, created: creationTimestamp }) =>
    object(
      "security.istio.io/v1",
      "RequestAuthentication",
      policy,
      {
        ...of,
        jwtRules: empty
          ? []
          : [
              {
                issuer: `https://${policy}.test`,
                ...keys,
                ...place,
                ...(presence ? { presence } : {}),
              },
            ],
      },
      ns,
      { creationTimestamp },
    ),
  );

const PATCHES = {
  filter: {
    applyTo: "HTTP_FILTER",
    match: {
      listener: { filterChain: { filter: { subFilter: { name: "envoy.filters.http.router" } } } },
    },
    patch: { operation: "INSERT_BEFORE", value: { name: "patched" } },
  },
  cluster: {
    applyTo: "CLUSTER",
    match: { context: "SIDECAR_OUTBOUND", cluster: { portNumber: 80 } },
    patch: { operation: "MERGE", value: { connect_timeout: "7s" } },
  },
  route: {
    applyTo: "VIRTUAL_HOST",
    match: { context: "GATEWAY", routeConfiguration: { portNumber: 80 } },
    patch: { operation: "ADD", value: { name: "patched", domains: ["patched"] } },
  },
  added: { applyTo: "CLUSTER", patch: { operation: "ADD", value: { name: "added" } } },
  removed: {
    applyTo: "LISTENER",
    match: { context: "SIDECAR_INBOUND", listener: { portNumber: 15006 } },
    patch: { operation: "REMOVE" },
  },
} as const;

const envoyFilter = fc
  .record({
    namespace,
    name,
    patches: fc.uniqueArray(
      fc.constantFrom(...(Object.keys(PATCHES) as (keyof typeof PATCHES)[])),
      {
        minLength: 1,
      },
    ),
    app: fc.constantFrom(undefined, "one", "two"),
    priority: fc.constantFrom(undefined, -1, 5),
    created,
  })
  .map(({ namespace: ns, name: filter, patches, app, priority, created: creationTimestamp }) =>
    object(
      "networking.istio.io/v1alpha3",
      "EnvoyFilter",
      filter,
      {
        ...(app ? { workloadSelector: { labels: { app } } } : {}),
        ...(priority === undefined ? {} : { priority }),
        configPatches: patches.map((patch) => PATCHES[patch]),
      },
      ns,
      { creationTimestamp },
    ),
  );

const serviceEntry = fc
  .record({
    namespace,
    name,
    hosts: fc.uniqueArray(
      fc.constantFrom("api.example.com", "*.example.com", "one.a.svc.cluster.local", "db.test"),
      { minLength: 1, maxLength: 2 },
    ),
    addresses: fc.constantFrom(undefined, ["10.7.0.1"], ["10.7.0.0/24"], ["10.7.0.1", "fd07::1"]),
    resolution: fc.constantFrom("NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"),
    location: fc.constantFrom(undefined, "MESH_INTERNAL"),
    ports: fc.uniqueArray(fc.constantFrom("HTTP", "TLS", "TCP", ""), { minLength: 1 }),
    targets: fc.constantFrom("endpoints", "selector", "none"),
    exportTo: fc.constantFrom(undefined, ["*"], ["."], ["b"], ["~"]),
    subjectAltNames: fc.constantFrom(undefined, ["spiffe://cluster.local/ns/vm/sa/x"]),
    created,
  })
  .map(({ namespace: ns, name: entry, created: creationTimestamp, ports, targets, ...spec }) =>
    object(
      "networking.istio.io/v1",
      "ServiceEntry",
      entry,
      {
        ...Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined)),
        ports: ports.map((protocol) => ({
          number: { HTTP: 80, TLS: 443, TCP: 90, "": 95 }[protocol],
          name: `p${protocol}`,
          protocol,
          ...(protocol === "TCP" ? { targetPort: 8080 } : {}),
        })),
        ...(targets === "endpoints"
          ? {
              endpoints: [
                { address: "10.0.0.2", weight: 3, serviceAccount: "vm" },
                {
                  address: "10.0.0.7",
                  ports: { pTCP: 9000 },
                  locality: "r1/z2",
                  labels: { version: "v1" },
                },
              ],
            }
          : targets === "selector"
            ? { workloadSelector: { labels: { app: "one" } } }
            : {}),
      },
      ns,
      { creationTimestamp },
    ),
  );

const workloadEntry = fc
  .record({
    namespace,
    name,
    address: fc.constantFrom("10.0.0.1", "10.0.0.8", "fd00::8", "vm.test", ""),
    network: fc.constantFrom(undefined, undefined, "west", "east"),
    app: name,
    grouped: fc.boolean(),
    serviceAccount: fc.constantFrom(undefined, "vm"),
  })
  .map(({ namespace: ns, name: entry, app, grouped, ...spec }) =>
    object(
      "networking.istio.io/v1",
      "WorkloadEntry",
      entry,
      { ...spec, ports: { http: 8088 } },
      ns,
      {
        labels: { app },
        annotations: grouped ? { "istio.io/autoRegistrationGroup": "group" } : {},
      },
    ),
  );

const workloadGroup = fc
  .record({ namespace, weight: fc.constantFrom(1, 5), app: name })
  .map(({ namespace: ns, weight, app }) =>
    object(
      "networking.istio.io/v1",
      "WorkloadGroup",
      "group",
      { metadata: { labels: { app, version: "v2" } }, template: { weight, ports: { tcp: 8089 } } },
      ns,
    ),
  );

const telemetry = fc
  .record({
    namespace,
    name,
    app: fc.constantFrom(undefined, "one", "two"),
    disabled: fc.boolean(),
    mode: fc.constantFrom(undefined, "CLIENT", "SERVER"),
    created,
  })
  .map(({ namespace: ns, name: policy, app, disabled, mode, created: creationTimestamp }) =>
    object(
      "telemetry.istio.io/v1",
      "Telemetry",
      policy,
      {
        ...(app ? { selector: { matchLabels: { app } } } : {}),
        metrics: [
          {
            overrides: [
              { disabled, match: { metric: "REQUEST_COUNT", ...(mode ? { mode } : {}) } },
            ],
          },
        ],
        accessLogging: [{ disabled, ...(mode ? { match: { mode } } : {}) }],
      },
      ns,
      { creationTimestamp },
    ),
  );

const wasmPlugin = fc
  .record({
    namespace,
    name,
    app: fc.constantFrom(undefined, "one", "two"),
    phase: fc.constantFrom(undefined, "AUTHN", "AUTHZ"),
    priority: fc.constantFrom(undefined, 5),
    ports: fc.constantFrom(undefined, [{ number: 80 }]),
    type: fc.constantFrom(undefined, "NETWORK"),
  })
  .map(({ namespace: ns, name: plugin, app, phase, priority, ports, type }) =>
    object(
      "extensions.istio.io/v1alpha1",
      "WasmPlugin",
      plugin,
      {
        url: "file:///module.wasm",
        ...(app ? { selector: { matchLabels: { app } } } : {}),
        ...(phase ? { phase } : {}),
        ...(type ? { type } : {}),
        ...(priority ? { priority } : {}),
        ...(ports ? { match: [{ ports }] } : {}),
      },
      ns,
    ),
  );

const ingress = fc
  .record({
    namespace,
    name: fc.constantFrom("one", "two"),
    className: fc.constantFrom(undefined, "istio", "named"),
    host: fc.constantFrom(undefined, "x.test", "*.test"),
    path: fc.constantFrom("/", "/a", "/a/b"),
    pathType: fc.constantFrom("Exact", "Prefix", "ImplementationSpecific"),
    port: fc.constantFrom({ number: 80 }, { name: "http" }, { name: "missing" }),
    fallback: fc.boolean(),
    tls: fc.constantFrom(
      undefined,
      [{ secretName: "edge" }],
      [{ secretName: "edge", hosts: ["x.test"] }],
    ),
    created,
  })
  .map(
    ({
      namespace: ns,
      name,
      className,
      host,
      path,
      pathType,
      port,
      fallback,
      tls,
      created: at,
    }) => {
      const backend = { service: { name: "one", port } };
      return object(
        "networking.k8s.io/v1",
        "Ingress",
        name,
        {
          ...(className ? { ingressClassName: className } : {}),
          ...(tls ? { tls } : {}),
          ...(fallback ? { defaultBackend: backend } : {}),
          rules: [{ ...(host ? { host } : {}), http: { paths: [{ path, pathType, backend }] } }],
        },
        ns,
        { creationTimestamp: at },
      );
    },
  );

const ingressClass = fc
  .record({
    controller: fc.constantFrom("heddle.dev/ingress-controller", "k8s.io/ingress-nginx"),
    isDefault: fc.boolean(),
  })
  .map(({ controller, isDefault }) =>
    object("networking.k8s.io/v1", "IngressClass", "named", { controller }, "", {
      annotations: { "ingressclass.kubernetes.io/is-default-class": String(isDefault) },
    }),
  );

export const someObject: fc.Arbitrary<MeshObject> = fc.oneof(
  { arbitrary: serviceEntry, weight: 3 },
  { arbitrary: workloadEntry, weight: 2 },
  { arbitrary: workloadGroup, weight: 1 },
  { arbitrary: service, weight: 4 },
  { arbitrary: slice, weight: 3 },
  { arbitrary: pod, weight: 3 },
  { arbitrary: virtualService, weight: 3 },
  { arbitrary: connectionRules, weight: 2 },
  { arbitrary: delegation, weight: 2 },
  { arbitrary: destinationRule, weight: 3 },
  { arbitrary: gateway, weight: 1 },
  { arbitrary: peerAuthentication, weight: 1 },
  { arbitrary: authorizationPolicy, weight: 2 },
  { arbitrary: rateLimit, weight: 1 },
  { arbitrary: requestAuthentication, weight: 2 },
  { arbitrary: fallback, weight: 2 },
  { arbitrary: overloadPolicy, weight: 1 },
  { arbitrary: requestValidation, weight: 2 },
  { arbitrary: envoyFilter, weight: 2 },
  { arbitrary: wasmPlugin, weight: 1 },
  { arbitrary: telemetry, weight: 1 },
  { arbitrary: sidecar, weight: 2 },
  { arbitrary: ingress, weight: 2 },
  { arbitrary: ingressClass, weight: 1 },
  { arbitrary: proxyConfig, weight: 1 },
  { arbitrary: meshSettings, weight: 1 },
  { arbitrary: someGatewayApi, weight: 6 },
);

export const change: fc.Arbitrary<Change> = fc
  .tuple(someObject, fc.constantFrom("set", "set", "delete", "stage", "unstage"))
  .map(([each, verb]) => {
    const key = objectKey(each);
    if (verb === "delete") return { key, object: null };
    if (verb === "stage") return { key, object: null, candidate: each };
    if (verb === "unstage") return { key, object: each, candidate: null };
    return { key, object: each };
  });

/** Each batch is one revision; whether somebody reads in between must make no difference. */
export const history = fc.array(
  fc.record({ changes: fc.array(change, { minLength: 1, maxLength: 5 }), read: fc.boolean() }),
  { minLength: 1, maxLength: 12 },
);
