/** Random objects of the Gateway API, for properties over random meshes. */
import type { GatewayApi, MeshObject } from "@heddle/model";
import fc from "fast-check";
import { object } from "../../../../test/harness/objects.ts";

const API = "gateway.networking.k8s.io/v1";

const namespace = fc.constantFrom("a", "b", "istio-system");
const created = fc.constantFrom("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
const hostnames = fc.constantFrom(undefined, ["x.test"], ["*.test"], ["y.test", "*.test"]);

const listeners = fc.uniqueArray(
  fc.constantFrom<GatewayApi.Listener>(
    { name: "any", port: 80, protocol: "HTTP", allowedRoutes: { namespaces: { from: "All" } } },
    { name: "x", port: 80, protocol: "HTTP", hostname: "x.test" },
    {
      name: "picked",
      port: 81,
      protocol: "HTTP",
      allowedRoutes: {
        namespaces: { from: "Selector", selector: { matchLabels: { open: "yes" } } },
      },
    },
    { name: "tcp", port: 90, protocol: "TCP", allowedRoutes: { namespaces: { from: "All" } } },
    { name: "tcp-80", port: 80, protocol: "TCP" },
    { name: "udp", port: 53, protocol: "UDP", allowedRoutes: { namespaces: { from: "All" } } },
    {
      name: "passed-on",
      port: 444,
      protocol: "TLS",
      tls: { mode: "Passthrough" },
      allowedRoutes: { namespaces: { from: "All" } },
    },
    {
      name: "tls",
      port: 443,
      protocol: "HTTPS",
      tls: { certificateRefs: [{ name: "edge", namespace: "b" }] },
      allowedRoutes: { namespaces: { from: "All" } },
    },
  ),
  { minLength: 1, maxLength: 4, selector: ({ name }) => name },
);

const gateway = fc.record({ listeners, open: fc.boolean() }).map(({ open, ...spec }) =>
  object<GatewayApi.Gateway>(
    API,
    "Gateway",
    "api",
    {
      gatewayClassName: "heddle",
      ...spec,
      ...(open ? { tls: { backend: { clientCertificateRef: { name: "edge" } } } } : {}),
      ...(open ? { allowedListeners: { namespaces: { from: "All" as const } } } : {}),
    },
    "istio-system",
  ),
);

const listenerSet = fc
  .record({ namespace, listeners, created, experimental: fc.boolean() })
  .map(({ namespace: ns, created: creationTimestamp, experimental, ...spec }) =>
    object<GatewayApi.ListenerSet>(
      experimental ? "gateway.networking.x-k8s.io/v1alpha1" : API,
      experimental ? "XListenerSet" : "ListenerSet",
      "set",
      { parentRef: { name: "api", namespace: "istio-system" }, ...spec },
      ns,
      { creationTimestamp },
    ),
  );

const parent = fc.constantFrom<GatewayApi.ParentReference>(
  { name: "api", namespace: "istio-system" },
  { name: "api", namespace: "istio-system", sectionName: "any" },
  { name: "set", kind: "ListenerSet" },
  { group: "gateway.networking.x-k8s.io", kind: "XListenerSet", name: "set" },
  { group: "", kind: "Service", name: "one", namespace: "a" },
  { group: "", kind: "Service", name: "one", namespace: "a", port: 80 },
  { group: "networking.istio.io", kind: "ServiceEntry", name: "one", namespace: "a" },
);

const backendRefs = fc.uniqueArray(
  fc.constantFrom<GatewayApi.BackendRef>(
    { name: "one", port: 80 },
    { name: "two", port: 80, weight: 3 },
    { name: "one", namespace: "a", port: 90 },
    { name: "two", namespace: "b", port: 80 },
    { name: "none", port: 80 },
  ),
  { maxLength: 3 },
);

/** Filters of a rule, and of one of its backends. */
const filters = fc.uniqueArray(
  fc.constantFrom<GatewayApi.HTTPRouteFilter>(
    {
      type: "RequestHeaderModifier",
      requestHeaderModifier: { set: [{ name: "x-a", value: "1" }], remove: ["x-b"] },
    },
    {
      type: "ResponseHeaderModifier",
      responseHeaderModifier: { add: [{ name: "x-c", value: "2" }] },
    },
    { type: "RequestMirror", requestMirror: { backendRef: { name: "two", port: 80 } } },
    {
      type: "RequestMirror",
      requestMirror: { backendRef: { name: "one", namespace: "a", port: 80 }, percent: 10 },
    },
    {
      type: "RequestRedirect",
      requestRedirect: { hostname: "elsewhere.test", statusCode: 301 },
    },
    {
      type: "URLRewrite",
      urlRewrite: { path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/b" } },
    },
    { type: "CORS", cors: { allowOrigins: ["https://shop.test"], maxAge: 60 } },
  ),
  { maxLength: 3, selector: ({ type }) => type },
);

const extras = fc.record({
  filters,
  timeouts: fc.constantFrom(undefined, { request: "3s" }, { request: "3s", backendRequest: "1s" }),
});

const httpRoute = fc
  .record({
    namespace,
    name: fc.constantFrom("one", "two"),
    parent,
    hostnames,
    backendRefs,
    path: fc.constantFrom("/", "/a", "/a/b"),
    method: fc.constantFrom(undefined, "GET"),
    extras,
    created,
  })
  .map(
    ({
      namespace: ns,
      name,
      parent: ref,
      hostnames: hosts,
      path,
      method,
      extras: { filters: several, timeouts },
      created: at,
      ...rest
    }) =>
      object<GatewayApi.HTTPRoute>(
        API,
        "HTTPRoute",
        name,
        {
          parentRefs: [ref],
          ...(hosts ? { hostnames: hosts } : {}),
          rules: [
            {
              matches: [
                { path: { type: "PathPrefix", value: path }, ...(method ? { method } : {}) },
              ],
              ...(several.length > 0 ? { filters: several } : {}),
              ...(timeouts ? { timeouts } : {}),
              ...rest,
            },
            { backendRefs: [{ name: "one", port: 80 }] },
          ],
        },
        ns,
        { creationTimestamp: at },
      ),
  );

/** Of the same parents as HTTPRoutes, so that they get into each other's way. */
const grpcRoute = fc
  .record({
    namespace,
    name: fc.constantFrom("one", "two"),
    parent,
    hostnames,
    backendRefs,
    created,
  })
  .map(({ namespace: ns, name, parent: ref, hostnames: hosts, created: at, ...rest }) =>
    object<GatewayApi.GRPCRoute>(
      API,
      "GRPCRoute",
      name,
      {
        parentRefs: [ref],
        ...(hosts ? { hostnames: hosts } : {}),
        rules: [{ matches: [{ method: { service: "s" } }], ...rest }],
      },
      ns,
      { creationTimestamp: at },
    ),
  );

const streamRoute = fc
  .record({
    kind: fc.constantFrom("TCPRoute", "TLSRoute", "UDPRoute"),
    namespace,
    parent,
    hostnames,
    backendRefs,
    created,
  })
  .map(({ kind, namespace: ns, parent: ref, hostnames: hosts, backendRefs: refs, created: at }) =>
    object<GatewayApi.StreamRoute>(
      API,
      kind,
      "stream",
      {
        parentRefs: [ref],
        ...(kind === "TLSRoute" && hosts ? { hostnames: hosts } : {}),
        rules: [{ backendRefs: refs }],
      },
      ns,
      { creationTimestamp: at },
    ),
  );

const grant = fc.record({ namespace, from: namespace }).map(({ namespace: ns, from }) =>
  object<GatewayApi.ReferenceGrant>(
    API,
    "ReferenceGrant",
    "open",
    {
      from: ["HTTPRoute", "TCPRoute", "TLSRoute", "UDPRoute", "Gateway"].map((kind) => ({
        group: "gateway.networking.k8s.io",
        kind,
        namespace: from,
      })),
      to: [
        { group: "", kind: "Service" },
        { group: "", kind: "Secret", name: "edge" },
      ],
    },
    ns,
  ),
);

const policy = fc
  .record({ namespace, name: fc.constantFrom("one", "two"), created, bundled: fc.boolean() })
  .map(({ namespace: ns, name, created: creationTimestamp, bundled }) =>
    object<GatewayApi.BackendTLSPolicy>(
      API,
      "BackendTLSPolicy",
      name,
      {
        targetRefs: [{ group: "", kind: "Service", name: "one" }],
        validation: {
          hostname: "one.test",
          ...(bundled
            ? { caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "roots" }] }
            : { wellKnownCACertificates: "System" as const }),
        },
      },
      ns,
      { creationTimestamp },
    ),
  );

/** What references lead to, and what lets routes in. */
const around = fc.constantFrom<MeshObject>(
  object("v1", "Namespace", "b", {}, "", { labels: { open: "yes" } }),
  object("v1", "Namespace", "b", {}, "", { labels: {} }),
  object(
    "v1",
    "Secret",
    "edge",
    {
      data: {
        "tls.crt": btoa("-----BEGIN CERTIFICATE-----"),
        "tls.key": btoa("-----BEGIN PRIVATE KEY-----"),
      },
    },
    "b",
  ),
);

/** Certificates of authorities that policies name. */
const bundle = fc
  .record({ namespace, pem: fc.constantFrom("first", "second") })
  .map(({ namespace: ns, pem }) =>
    object(
      "v1",
      "ConfigMap",
      "roots",
      { data: { "ca.crt": `-----BEGIN CERTIFICATE-----\n${pem}\n-----END CERTIFICATE-----\n` } },
      ns,
    ),
  );

export const someGatewayApi: fc.Arbitrary<MeshObject> = fc.oneof(
  { arbitrary: gateway, weight: 3 },
  { arbitrary: listenerSet, weight: 1 },
  { arbitrary: httpRoute, weight: 4 },
  { arbitrary: grpcRoute, weight: 2 },
  { arbitrary: streamRoute, weight: 3 },
  { arbitrary: grant, weight: 1 },
  { arbitrary: policy, weight: 1 },
  { arbitrary: around, weight: 2 },
  { arbitrary: bundle, weight: 1 },
);
