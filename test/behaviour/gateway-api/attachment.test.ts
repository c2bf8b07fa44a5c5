/** Who may attach to what, routes of gRPC, routes of the mesh, and TLS towards backends, by requests to real Envoys. */
import type { GatewayApi } from "@heddle/model";
import { createServer, type Server } from "node:https";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { listening } from "../../harness/application.ts";
import { createAuthority } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gatewayApi, object, service } from "../../harness/objects.ts";
import { ask, type Asking } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const EDGE = "127.94.0.1";
const ONE = "127.94.0.2";
const TWO = "127.94.0.3";
const FAR = "127.94.0.4";
const SECURE = "127.94.0.7";
const PORT = 9080;

const authority = await createAuthority();
const IDENTITY = "spiffe://cluster.local/ns/default/sa/secure";
const LEAF = await authority.issue(IDENTITY);

const edge = [{ name: "edge", namespace: "default" }];
const to = (name: string, rest: object = {}) => ({ name, port: PORT, ...rest });
const route = (
  name: string,
  namespace: string,
  spec: GatewayApi.HTTPRoute,
  kind: "HTTPRoute" | "GRPCRoute" = "HTTPRoute",
) => gatewayApi(kind, name, spec, namespace);
const policy = (name: string, target: string, validation: object) =>
  gatewayApi("BackendTLSPolicy", name, {
    targetRefs: [{ group: "", kind: "Service", name: target }],
    validation: { hostname: "secure.test", ...validation },
  });
const roots = (name: string) => [{ group: "", kind: "ConfigMap", name }];
const uri = (text: string) => ({ subjectAltNames: [{ type: "URI", uri: text }] });

const OBJECTS = [
  object("v1", "Namespace", "open", {}, "", { labels: { routes: "welcome" } }),
  ...service("one", [{ name: "http", port: PORT }], [ONE]),
  ...service("two", [{ name: "http", port: PORT }], [TWO]),
  ...service("far", [{ name: "http", port: PORT }], [FAR], { namespace: "other" }),
  ...service("shut", [{ name: "http", port: PORT }], [FAR], { namespace: "other" }),
  ...["trusted", "stranger", "named"].flatMap((name) =>
    service(name, [{ name: "https", port: 8443 }], [SECURE]),
  ),
  object("v1", "ConfigMap", "roots", { data: { "ca.crt": authority.certificate } }),
  object("v1", "ConfigMap", "others", {
    data: { "ca.crt": (await createAuthority("other")).certificate },
  }),
  gatewayApi<GatewayApi.GatewayClass>(
    "GatewayClass",
    "mine",
    { controllerName: "heddle.dev/gateway-controller" },
    "",
  ),
  gatewayApi<GatewayApi.GatewayClass>(
    "GatewayClass",
    "theirs",
    { controllerName: "example.com/controller" },
    "",
  ),
  gatewayApi<GatewayApi.Gateway>("Gateway", "edge", {
    gatewayClassName: "mine",
    listeners: [
      { name: "same", port: 8080, protocol: "HTTP", hostname: "same.test" },
      {
        name: "all",
        port: 8080,
        protocol: "HTTP",
        hostname: "*.all.test",
        allowedRoutes: { namespaces: { from: "All" } },
      },
      {
        name: "picked",
        port: 8080,
        protocol: "HTTP",
        hostname: "picked.test",
        allowedRoutes: {
          namespaces: { from: "Selector", selector: { matchLabels: { routes: "welcome" } } },
        },
      },
      {
        name: "grpc",
        port: 8082,
        protocol: "HTTP",
        allowedRoutes: { kinds: [{ kind: "GRPCRoute" }] },
      },
      { name: "plain", port: 8083, protocol: "HTTP" },
    ],
    allowedListeners: { namespaces: { from: "Same" } },
  }),
  gatewayApi<GatewayApi.Gateway>(
    "Gateway",
    "edge",
    {
      gatewayClassName: "theirs",
      listeners: [{ name: "http", port: 8099, protocol: "HTTP" }],
    },
    "other",
  ),
  gatewayApi<GatewayApi.ListenerSet>("ListenerSet", "more", {
    parentRef: { name: "edge" },
    listeners: [
      { name: "extra", port: 8081, protocol: "HTTP" },
      { name: "taken", port: 8083, protocol: "HTTP" },
    ],
  }),
  route("same", "default", { parentRefs: edge, rules: [{ backendRefs: [to("one")] }] }),
  route("intruder", "other", {
    parentRefs: edge,
    hostnames: ["same.test", "x.all.test", "picked.test"],
    rules: [{ backendRefs: [to("far")] }],
  }),
  route("welcome", "open", {
    parentRefs: [{ name: "edge", namespace: "default", sectionName: "picked" }],
    rules: [{ backendRefs: [to("far", { namespace: "other" })] }],
  }),
  gatewayApi<GatewayApi.ReferenceGrant>(
    "ReferenceGrant",
    "far",
    {
      from: [{ group: "gateway.networking.k8s.io", kind: "HTTPRoute", namespace: "default" }],
      to: [{ group: "", kind: "Service", name: "far" }],
    },
    "other",
  ),
  route("granted", "default", {
    parentRefs: [{ name: "edge", sectionName: "plain" }],
    rules: [
      {
        matches: [{ path: { value: "/far" } }],
        backendRefs: [to("far", { namespace: "other" })],
      },
      {
        matches: [{ path: { value: "/shut" } }],
        backendRefs: [to("shut", { namespace: "other" })],
      },
      ...["trusted", "stranger", "named"].map((name) => ({
        matches: [{ path: { value: `/${name}` } }],
        backendRefs: [{ name, port: 8443 }],
      })),
      { backendRefs: [to("one")] },
    ],
  }),
  route("set", "default", {
    parentRefs: [{ kind: "ListenerSet", name: "more" }],
    rules: [{ backendRefs: [to("two")] }],
  }),
  gatewayApi<GatewayApi.GRPCRoute>("GRPCRoute", "grpc", {
    parentRefs: [{ name: "edge", sectionName: "grpc" }],
    hostnames: ["grpc.test"],
    rules: [
      {
        matches: [{ method: { service: "shop.Cart", method: "Add" } }],
        backendRefs: [to("one")],
      },
      { matches: [{ method: { service: "shop.Cart" } }], backendRefs: [to("two")] },
      { matches: [{ method: { method: "Ping" } }], backendRefs: [to("one")] },
      {
        matches: [{ method: { type: "RegularExpression", service: "re.*", method: "[XY]" } }],
        backendRefs: [to("two")],
      },
      { matches: [{ headers: [{ name: "x-who", value: "one" }] }], backendRefs: [to("one")] },
      {
        matches: [{ headers: [{ name: "x-who", type: "RegularExpression", value: "tw." }] }],
        backendRefs: [to("two")],
      },
      { matches: [{ method: { service: "gone.Away" } }], backendRefs: [to("nobody")] },
    ],
  }),
  policy("trusted", "trusted", { caCertificateRefs: roots("roots"), ...uri(IDENTITY) }),
  policy("stranger", "stranger", { caCertificateRefs: roots("others"), ...uri(IDENTITY) }),
  policy("named", "named", { caCertificateRefs: roots("roots"), ...uri("spiffe://else/a") }),
  route("producer", "default", {
    parentRefs: [{ group: "", kind: "Service", name: "one", port: PORT }],
    rules: [
      { matches: [{ path: { value: "/two" } }], backendRefs: [to("two")] },
      { matches: [{ path: { value: "/one" } }], backendRefs: [to("one")] },
    ],
  }),
  route("consumer", "other", {
    parentRefs: [{ group: "", kind: "Service", name: "one", namespace: "default" }],
    rules: [
      { backendRefs: [to("far")] },
      // Without a grant: that is for those who come by a Gateway.
      {
        matches: [{ path: { value: "/granted" } }],
        backendRefs: [to("two", { namespace: "default" })],
      },
    ],
  }),
];

describe.skipIf(!envoyBinary)("attachment to parents", () => {
  const mesh = startedMesh({
    workloads: {
      edge: {
        address: EDGE,
        type: "router",
        labels: { "gateway.networking.k8s.io/gateway-name": "edge" },
      },
      one: { address: ONE, ports: [PORT] },
      two: { address: TWO, ports: [PORT] },
      far: { address: FAR, ports: [PORT], namespace: "other" },
      client: { address: "127.94.0.5" },
      stranger: { address: "127.94.0.6", namespace: "other" },
    },
    objects: OBJECTS,
  });
  let server: Server;
  beforeAll(async () => {
    server = createServer({ cert: LEAF.chain, key: LEAF.key }, (_request, response) => {
      response.end(JSON.stringify({ name: "secure" }));
    });
    await listening(server, SECURE, 8443);
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const served = async (host: string, path = "/", port = 8080, asking?: Asking) => {
    const answer = await ask(EDGE, port, host, path, asking);
    return answer.status === 200 ? answer.echo().name : answer.status;
  };

  proves(
    {
      "gateway.networking.k8s.io/Gateway": [
        "listeners[].hostname",
        "listeners[].allowedRoutes.namespaces.from={All,Selector,Same}",
        "listeners[].allowedRoutes.namespaces.selector.matchLabels",
        "listeners[].allowedRoutes.kinds[].kind",
        "gatewayClassName",
      ],
      GatewayClass: ["controllerName"],
    },
    "takes routes of the namespaces and kinds that a listener lets in, at Gateways of our classes",
    async () => {
      expect(await served("same.test")).toBe("one");
      expect(await served("x.all.test")).toBe("far");
      // `other` has no label that is asked for, `open` has, and its backend is not granted to it.
      expect(await served("picked.test")).toBe(500);
      expect(await served("any.test", "/", 8082)).toBe(404);
      await expect(served("any.test", "/", 8099)).rejects.toThrow("ECONNREFUSED");
    },
  );

  proves(
    { ReferenceGrant: ["from[].{group,kind,namespace}", "to[].{group,kind,name}"] },
    "lets routes reach what another namespace has granted, and nothing else of it",
    async () => {
      expect(await served("any.test", "/far", 8083)).toBe("far");
      expect(await served("any.test", "/shut", 8083)).toBe(500);
    },
  );

  proves(
    { ListenerSet: ["parentRef.name", "listeners[].{name,port,protocol}"] },
    "adds listeners to a Gateway that lets it, and takes none away",
    async () => {
      expect(await served("any.test", "/", 8081)).toBe("two");
      expect(await served("any.test", "/", 8083)).toBe("one");
    },
  );

  const method = "rules[].matches[].method";
  proves(
    "GRPCRoute",
    [
      `${method}.type={Exact,RegularExpression}`,
      `${method}.{service,method}`,
      "rules[].matches[].headers[].{name,value}",
      "rules[].matches[].headers[].type={Exact,RegularExpression}",
      "hostnames",
      "rules[].backendRefs[].{name,port}",
    ],
    "matches calls by service, method and headers",
    async () => {
      const call = (path: string, headers = {}) =>
        served("grpc.test", path, 8082, { method: "POST", headers });
      expect(await call("/shop.Cart/Add")).toBe("one");
      expect(await call("/shop.Cart/Remove")).toBe("two");
      expect(await call("/any.Thing/Ping")).toBe("one");
      expect(await call("/re.Gex/X")).toBe("two");
      expect(await call("/re.Gex/Z")).toBe(404);
      expect(await call("/a.B/C", { "x-who": "one" })).toBe("one");
      expect(await call("/a.B/C", { "x-who": "two" })).toBe("two");
      expect(await call("/gone.Away/C")).toBe(503);
      expect(await served("else.test", "/shop.Cart/Add", 8082, { method: "POST" })).toBe(404);
    },
  );

  proves(
    {
      BackendTLSPolicy: [
        "targetRefs[].{group,kind,name}",
        "validation.caCertificateRefs[].{group,kind,name}",
        "validation.subjectAltNames[].type=URI",
        "validation.subjectAltNames[].uri",
      ],
    },
    "speaks TLS to backends, and only to those whose certificate is what it asks for",
    async () => {
      expect(await served("any.test", "/trusted", 8083)).toBe("secure");
      expect(await served("any.test", "/stranger", 8083)).toBe(503);
      expect(await served("any.test", "/named", 8083)).toBe(503);
    },
  );

  proves(
    "HTTPRoute",
    ["parentRefs[].{group,kind}"],
    "decides for clients of a Service: its own namespace's routes for all, another's for its own clients",
    async () => {
      const from = async (who: "client" | "stranger", path: string) => {
        const answer = await mesh.get(who, `one.default.svc.cluster.local:${PORT}`, path);
        return answer.status === 200 ? answer.echo().name : answer.status;
      };
      expect(await from("client", "/two")).toBe("two");
      expect(await from("client", "/one")).toBe("one");
      expect(await from("client", "/else")).toBe(404);
      expect(await from("stranger", "/two")).toBe("far");
      expect(await from("stranger", "/granted")).toBe("two");
    },
  );
});
