/** EnvoyFilters that tell filter chains and routes apart by names of servers, ports and gateways, and bring configuration of their own. */
import { type EnvoyFilter, type MeshObject, parseObject } from "@heddle/model";
import { describe, expect } from "vitest";
import { certificateSecret, createAuthority } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { connectInto } from "../../harness/intercepted.ts";
import { Agent } from "node:http";
import { startedMesh } from "../../harness/mesh.ts";
import { gateway, object, service, virtualService } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves, refuses } from "../proves.ts";

type Patch = NonNullable<EnvoyFilter["configPatches"]>[number];
type Listener = NonNullable<NonNullable<Patch["match"]>["listener"]>;

const EDGE = "127.208.0.9";
const LED = "127.208.0.1";
const HCM = "envoy.filters.network.http_connection_manager";
const ROUTER = "envoy.filters.http.router";
const LUA = "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua";

const adds = (header: string) => ({
  "@type": LUA,
  default_source_code: {
    inline_string: `function envoy_on_response(r) r:headers():add("${header}", "yes") end`,
  },
});

/** Adds a header to each response of the filter chains that match. */
function marks(header: string, context: "GATEWAY" | "SIDECAR_INBOUND", chain: object): Patch {
  const listener: Listener = {
    filterChain: { ...chain, filter: { name: HCM, subFilter: { name: ROUTER } } },
  };
  return {
    applyTo: "HTTP_FILTER",
    match: { context, listener },
    patch: {
      operation: "INSERT_BEFORE",
      value: { name: header, typed_config: adds(header) },
    },
  };
}

/** Adds a header to each response of the routes that match. */
function routeMarks(header: string, routeConfiguration: object): Patch {
  const append = { header: { key: header, value: "yes" } };
  return {
    applyTo: "VIRTUAL_HOST",
    match: { context: "GATEWAY", routeConfiguration },
    patch: { operation: "MERGE", value: { response_headers_to_add: [append] } },
  };
}

const edge = (name: string, ...configPatches: readonly Patch[]): MeshObject<EnvoyFilter> =>
  object("networking.istio.io/v1alpha3", "EnvoyFilter", name, { configPatches });

const FILTERS = [
  edge("sni", marks("x-sni", "GATEWAY", { sni: "one.test" })),
  edge("port", marks("x-port", "SIDECAR_INBOUND", { destinationPort: 9081 })),
  edge("port-name", routeMarks("x-port-name", { portName: "https-one" })),
  edge("gateway", routeMarks("x-gateway", { gateway: "default/second" })),
  edge(
    "extension",
    {
      applyTo: "HTTP_FILTER",
      match: {
        context: "SIDECAR_INBOUND",
        listener: { filterChain: { filter: { name: HCM, subFilter: { name: ROUTER } } } },
      },
      patch: {
        operation: "INSERT_BEFORE",
        value: {
          name: "comes-by-itself",
          config_discovery: {
            config_source: { ads: {}, resource_api_version: "V3" },
            type_urls: [LUA],
          },
        },
      },
    },
    {
      applyTo: "EXTENSION_CONFIG",
      patch: {
        operation: "ADD",
        value: { name: "comes-by-itself", typed_config: adds("x-extension") },
      },
    },
  ),
];

describe.skipIf(!envoyBinary)("EnvoyFilters of filter chains", async () => {
  const authority = await createAuthority();
  const certificate = await authority.issue("one.test");
  const server = (name: string, host: string) => ({
    port: { number: 8443, name, protocol: "HTTPS" },
    hosts: [host],
    tls: { mode: "SIMPLE" as const, credentialName: "edge" },
  });
  startedMesh({
    workloads: {
      edge: {
        address: EDGE,
        type: "router",
        labels: { app: "edge" },
        secrets: async () => [certificateSecret("kubernetes://default/edge", certificate)],
      },
      led: { address: LED, ports: [9080, 9081], interception: "REDIRECT" },
    },
    objects: [
      ...service(
        "led",
        [
          { name: "http", port: 9080 },
          { name: "http-more", port: 9081 },
        ],
        [LED],
      ),
      gateway("first", { selector: { app: "edge" }, servers: [server("https-one", "one.test")] }),
      gateway("second", { selector: { app: "edge" }, servers: [server("https-two", "two.test")] }),
      virtualService("all", {
        hosts: ["one.test", "two.test"],
        gateways: ["first", "second"],
        http: [{ directResponse: { status: 200 } }],
      }),
      ...FILTERS,
    ],
  });
  const P = "configPatches[]";
  const atEdge = async (host: string) =>
    (
      await ask(EDGE, 8443, host, "/", {
        secure: true,
        servername: host,
        rejectUnauthorized: false,
      })
    ).headers;
  const into = async (port: number) => {
    const socket = await connectInto(LED, port);
    const agent = new Agent();
    agent.createConnection = () => socket;
    return (await ask("led", port, "led", "/", { agent })).headers;
  };

  proves(
    "EnvoyFilter",
    [`${P}.match.listener.filterChain.sni`],
    "a filter chain is told by the server's name that it is for",
    async () => {
      expect((await atEdge("one.test"))["x-sni"]).toBe("yes");
      expect((await atEdge("two.test"))["x-sni"]).toBeUndefined();
    },
  );

  proves(
    "EnvoyFilter",
    [`${P}.match.routeConfiguration.{portName,gateway}`],
    "a gateway's routes are told by the name of the port, and by the gateway",
    async () => {
      const [one, two] = [await atEdge("one.test"), await atEdge("two.test")];
      expect([one["x-port-name"], one["x-gateway"]]).toEqual(["yes", undefined]);
      expect([two["x-port-name"], two["x-gateway"]]).toEqual([undefined, "yes"]);
    },
  );

  proves(
    "EnvoyFilter",
    [`${P}.match.listener.filterChain.destinationPort`],
    "a filter chain is told by the port that connections were for",
    async () => {
      expect((await into(9080))["x-port"]).toBeUndefined();
      expect((await into(9081))["x-port"]).toBe("yes");
    },
  );

  proves(
    "EnvoyFilter",
    [`${P}.applyTo=EXTENSION_CONFIG`],
    "a filter's configuration comes by its name",
    async () => {
      expect((await into(9080))["x-extension"]).toBe("yes");
    },
  );
});

describe("an EnvoyFilter that does nothing", () => {
  const problems = (configPatch: object, rest: object = {}) =>
    parseObject({
      apiVersion: "networking.istio.io/v1alpha3",
      kind: "EnvoyFilter",
      metadata: { name: "main", namespace: "default" },
      spec: { configPatches: [configPatch], ...rest },
    }).diagnostics.map(({ level, path }) => `${level} ${path}`);
  const good = { applyTo: "CLUSTER", patch: { operation: "MERGE", value: {} } };

  refuses(
    "EnvoyFilter",
    ["configPatches[].applyTo=INVALID", "configPatches[].patch.operation=INVALID"],
    "a patch of nothing, or without an operation, is refused",
    () => {
      expect(problems(good)).toEqual([]);
      expect(problems({ ...good, applyTo: "INVALID" })).toContain(
        "Error spec.configPatches[0].applyTo",
      );
      expect(problems({ ...good, patch: { operation: "INVALID", value: {} } })).toContain(
        "Error spec.configPatches[0].patch.operation",
      );
    },
  );

  refuses(
    "EnvoyFilter",
    ["targetRefs[].namespace"],
    "a target of another namespace is refused",
    () => {
      const target = { kind: "Gateway", group: "gateway.networking.k8s.io", name: "edge" };
      expect(problems(good, { targetRefs: [target] })).toEqual([]);
      expect(problems(good, { targetRefs: [{ ...target, namespace: "other" }] })).toEqual([
        "Error spec.targetRefs[0].namespace",
      ]);
    },
  );
});
