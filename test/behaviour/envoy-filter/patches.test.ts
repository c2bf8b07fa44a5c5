/** What EnvoyFilters do to requests: each patch marks what passes it, or changes where it goes. */
import type { EnvoyFilter, MeshObject } from "@heddle/model";
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import {
  destinationRule,
  gateway,
  object,
  service,
  virtualService,
} from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

type Patch = NonNullable<EnvoyFilter["configPatches"]>[number];

const CLIENT = "127.131.0.1";
const SERVER = "127.131.0.2";
const EDGE = "127.131.0.9";
const HCM = "envoy.filters.network.http_connection_manager";
const SERVICE = "server.default.svc.cluster.local";

function filter(
  name: string,
  configPatches: readonly Patch[],
  rest: Partial<EnvoyFilter> = {},
): MeshObject<EnvoyFilter> {
  const spec = { ...rest, configPatches };
  return object("networking.istio.io/v1alpha3", "EnvoyFilter", name, spec);
}

/** Adds a header to each request that passes. */
function marks(header: string, value: string, name = value) {
  return {
    name,
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
      default_source_code: {
        inline_string: `function envoy_on_request(r) r:headers():add("${header}", "${value}") end`,
      },
    },
  };
}

const at = (subFilter: string) => ({
  filterChain: { filter: { name: HCM, subFilter: { name: subFilter } } },
});
const ROUTER = "envoy.filters.http.router";

function http(
  operation: NonNullable<NonNullable<Patch["patch"]>["operation"]>,
  value: Readonly<Record<string, unknown>>,
  match: Patch["match"] = {},
): Patch {
  return {
    applyTo: "HTTP_FILTER",
    match: { listener: at(ROUTER), ...match },
    patch: { operation, value },
  };
}

const says = (header: string, value = "yes") => [{ header: { key: header, value } }];
const outbound = { context: "SIDECAR_OUTBOUND" } as const;
const inbound = { context: "SIDECAR_INBOUND" } as const;
const onServer = { workloadSelector: { labels: { app: "server" } } };
const onClient = { workloadSelector: { labels: { app: "client" } } };

const manager = (fields: Readonly<Record<string, unknown>>) => ({
  typed_config: {
    "@type":
      "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    ...fields,
  },
});
const merges = (name: string, match: Patch["match"] = {}): Patch => ({
  applyTo: "NETWORK_FILTER",
  match,
  patch: {
    operation: "MERGE",
    value: manager({ server_name: name, server_header_transformation: "APPEND_IF_ABSENT" }),
  },
});

const FILTERS = [
  filter(
    "order",
    [
      http("INSERT_BEFORE", marks("x-order", "b"), outbound),
      http("INSERT_FIRST", marks("x-order", "a"), outbound),
      http("INSERT_AFTER", marks("x-order", "c"), { ...outbound, listener: at("b") }),
      http("INSERT_BEFORE", marks("x-order", "old", "d"), outbound),
      http("INSERT_BEFORE", marks("x-order", "gone"), outbound),
      http("REPLACE", marks("x-order", "d"), { ...outbound, listener: at("d") }),
      http("REMOVE", {}, { ...outbound, listener: at("gone") }),
    ],
    onClient,
  ),
  filter("sides", [
    http("INSERT_BEFORE", marks("x-inbound", "yes", "in"), inbound),
    http("INSERT_BEFORE", marks("x-any", "yes", "any"), { context: "ANY" }),
    http("INSERT_BEFORE", marks("x-gateway", "yes", "edge"), { context: "GATEWAY" }),
  ]),
  filter(
    "chains",
    [
      http("INSERT_BEFORE", marks("x-plain", "yes", "plain"), {
        listener: { filterChain: { ...at(ROUTER).filterChain, transportProtocol: "raw_buffer" } },
      }),
      http("INSERT_BEFORE", marks("x-alpn", "yes", "alpn"), {
        listener: { filterChain: { ...at(ROUTER).filterChain, applicationProtocols: "istio" } },
      }),
      http("INSERT_BEFORE", marks("x-socket", "yes", "socket"), {
        listener: {
          filterChain: {
            ...at(ROUTER).filterChain,
            transportSocket: "envoy.transport_sockets.tls",
          },
        },
      }),
      {
        applyTo: "FILTER_CHAIN",
        match: { ...inbound, listener: { filterChain: { name: "9081-plain" } } },
        patch: { operation: "REMOVE" },
      },
    ],
    onServer,
  ),
  filter(
    "listeners",
    [
      merges("patched", { ...inbound, listener: { portNumber: 9080 } }),
      {
        applyTo: "LISTENER",
        match: { ...inbound, listener: { name: `${SERVER}_9082` } },
        patch: { operation: "REMOVE" },
      },
      {
        applyTo: "LISTENER",
        match: inbound,
        patch: {
          operation: "ADD",
          value: {
            name: "added",
            address: { socket_address: { address: SERVER, port_value: 9999 } },
            filter_chains: [
              {
                filters: [
                  {
                    name: HCM,
                    ...manager({
                      stat_prefix: "added",
                      route_config: {
                        virtual_hosts: [
                          {
                            name: "all",
                            domains: ["*"],
                            routes: [{ match: { prefix: "/" }, direct_response: { status: 418 } }],
                          },
                        ],
                      },
                      http_filters: [
                        {
                          name: ROUTER,
                          typed_config: {
                            "@type":
                              "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                          },
                        },
                      ],
                    }),
                  },
                ],
              },
            ],
          },
        },
      },
      {
        applyTo: "LISTENER_FILTER",
        match: {
          ...inbound,
          listener: { portNumber: 9083, listenerFilter: "envoy.filters.listener.tls_inspector" },
        },
        patch: { operation: "REMOVE" },
      },
    ],
    onServer,
  ),
  filter(
    "routes",
    [
      {
        applyTo: "ROUTE_CONFIGURATION",
        match: { ...outbound, routeConfiguration: { name: "http_proxy" } },
        patch: { operation: "MERGE", value: { response_headers_to_add: says("x-table") } },
      },
      {
        applyTo: "VIRTUAL_HOST",
        match: { routeConfiguration: { vhost: { name: `${SERVICE}:9080` } } },
        patch: { operation: "MERGE", value: { response_headers_to_add: says("x-host") } },
      },
      {
        applyTo: "VIRTUAL_HOST",
        match: { routeConfiguration: { vhost: { domainName: "server:9081" } } },
        patch: { operation: "MERGE", value: { response_headers_to_add: says("x-domain") } },
      },
      {
        applyTo: "VIRTUAL_HOST",
        match: { ...outbound, routeConfiguration: { name: "http_proxy" } },
        patch: {
          operation: "ADD",
          value: {
            name: "made-up",
            domains: ["made.up"],
            routes: [{ match: { prefix: "/" }, direct_response: { status: 218 } }],
          },
        },
      },
      ...(["ROUTE", "REDIRECT", "DIRECT_RESPONSE", "ANY"] as const).map((action): Patch => ({
        applyTo: "HTTP_ROUTE",
        match: { ...outbound, routeConfiguration: { vhost: { route: { action } } } },
        patch: {
          operation: "MERGE",
          value: { response_headers_to_add: says(`x-${action.toLowerCase()}`) },
        },
      })),
      {
        applyTo: "HTTP_ROUTE",
        match: { ...outbound, routeConfiguration: { vhost: { route: { name: "main" } } } },
        patch: { operation: "MERGE", value: { response_headers_to_add: says("x-main") } },
      },
      {
        applyTo: "CLUSTER",
        match: outbound,
        patch: {
          operation: "ADD",
          value: {
            name: "elsewhere",
            type: "STATIC",
            connect_timeout: "1s",
            load_assignment: {
              cluster_name: "elsewhere",
              endpoints: [
                {
                  lb_endpoints: [
                    {
                      endpoint: {
                        address: { socket_address: { address: "127.131.1.2", port_value: 9084 } },
                      },
                    },
                  ],
                },
              ],
            },
          },
        },
      },
      {
        applyTo: "HTTP_ROUTE",
        match: { ...outbound, routeConfiguration: { vhost: { name: `${SERVICE}:9080` } } },
        patch: {
          operation: "INSERT_FIRST",
          value: { match: { path: "/elsewhere" }, route: { cluster: "elsewhere" } },
        },
      },
      {
        applyTo: "CLUSTER",
        match: { cluster: { service: SERVICE, portNumber: 9084 } },
        patch: { operation: "REMOVE" },
      },
      {
        applyTo: "CLUSTER",
        match: { cluster: { subset: "gone" } },
        patch: { operation: "REMOVE" },
      },
      {
        applyTo: "CLUSTER",
        match: { cluster: { name: `outbound|9083|named|${SERVICE}` } },
        patch: { operation: "REMOVE" },
      },
    ],
    onClient,
  ),
  filter("inbound-routes", [
    {
      applyTo: "ROUTE_CONFIGURATION",
      match: { ...inbound, routeConfiguration: { portNumber: 9081 } },
      patch: { operation: "MERGE", value: { response_headers_to_add: says("x-first") } },
    },
    {
      applyTo: "ROUTE_CONFIGURATION",
      match: { ...inbound, routeConfiguration: { portNumber: 9081 } },
      patch: {
        operation: "MERGE_AND_REPLACE_LIST",
        value: { response_headers_to_add: says("x-second") },
      },
    },
  ]),
  filter("version", [
    http("INSERT_BEFORE", marks("x-version", "yes", "version"), {
      proxy: { proxyVersion: "^1\\.29.*" },
    }),
    http("INSERT_BEFORE", marks("x-newer", "yes", "newer"), { proxy: { proxyVersion: "^1\\.30" } }),
    http("INSERT_BEFORE", marks("x-gold", "yes", "gold"), {
      proxy: { metadata: { TIER: "gold" } },
    }),
    http("INSERT_BEFORE", marks("x-lead", "yes", "lead"), {
      proxy: { metadata: { TIER: "lead" } },
    }),
  ]),
  filter("late", [merges("later", outbound)], { priority: 5 }),
  filter("zearly", [merges("earlier", outbound)], { priority: -5 }),
  filter("target", [http("INSERT_BEFORE", marks("x-target", "yes", "target"))], {
    targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" }],
  }),
  filter("other", [http("INSERT_BEFORE", marks("x-other", "yes", "other"))], {
    targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "other" }],
  }),
  filter("edge-port", [
    {
      applyTo: "VIRTUAL_HOST",
      match: { context: "GATEWAY", routeConfiguration: { portNumber: 8080 } },
      patch: { operation: "MERGE", value: { response_headers_to_add: says("x-port") } },
    },
  ]),
];

describe.skipIf(!envoyBinary)("EnvoyFilter", () => {
  const mesh = startedMesh({
    workloads: {
      client: { address: CLIENT, metadata: { ISTIO_VERSION: "1.29.1", TIER: "gold" } },
      server: { address: SERVER, ports: [9080, 9081, 9083, 9084] },
      edge: {
        type: "router",
        address: EDGE,
        labels: { app: "edge", "gateway.networking.k8s.io/gateway-name": "edge" },
      },
    },
    objects: [
      ...service(
        "server",
        [9080, 9081, 9082, 9083, 9084].map((port) => ({ name: `http-${port}`, port })),
        [SERVER],
      ),
      gateway("gw", {
        selector: { app: "edge" },
        servers: [{ port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
      }),
      virtualService("edge", {
        hosts: ["*"],
        gateways: ["gw"],
        http: [{ route: [{ destination: { host: "server", port: { number: 9080 } } }] }],
      }),
      virtualService("server", {
        hosts: ["server"],
        http: [
          { name: "old", match: [{ uri: { exact: "/old" } }], redirect: { uri: "/new" } },
          { match: [{ uri: { exact: "/said" } }], directResponse: { status: 299 } },
          {
            match: [{ uri: { exact: "/subset" } }],
            route: [{ destination: { host: "server", subset: "gone", port: { number: 9080 } } }],
          },
          {
            match: [{ uri: { exact: "/named" } }],
            route: [{ destination: { host: "server", subset: "named", port: { number: 9083 } } }],
          },
          { name: "main", route: [{ destination: { host: "server" } }] },
        ],
      }),
      destinationRule("server", {
        host: "server",
        subsets: [
          { name: "gone", labels: { app: "server" } },
          { name: "named", labels: { app: "server" } },
        ],
      }),
      ...FILTERS,
    ],
  });
  const P = "configPatches[]";
  const through = (path = "/", port = 9080) => mesh.get("client", `server:${port}`, path);
  const direct = (port: number) => ask(SERVER, port, `server:${port}`, "/");
  const atEdge = () => ask(EDGE, 8080, "any", "/");
  const seen = async (answer: ReturnType<typeof through>) => (await answer).echo().headers;

  proves(
    "EnvoyFilter",
    [
      `${P}.applyTo=HTTP_FILTER`,
      `${P}.match.context=SIDECAR_OUTBOUND`,
      `${P}.match.listener.filterChain.filter.{name,subFilter.name}`,
      `${P}.patch.operation={INSERT_BEFORE,INSERT_AFTER,INSERT_FIRST,REPLACE,REMOVE}`,
      `${P}.patch.value`,
      "workloadSelector.labels",
    ],
    "HTTP filters go before, after, first, in another's place and away, at the workload that is chosen",
    async () => {
      expect((await seen(through()))["x-order"]).toBe("a, b, c, d");
      expect((await seen(direct(9080)))["x-order"]).toBeUndefined();
      expect((await seen(atEdge()))["x-order"]).toBeUndefined();
    },
  );

  proves(
    "EnvoyFilter",
    [`${P}.match.context={ANY,SIDECAR_INBOUND,GATEWAY}`],
    "a patch is for the side that it names",
    async () => {
      const own = await seen(direct(9080));
      expect([own["x-inbound"], own["x-any"], own["x-gateway"]]).toEqual(["yes", "yes", undefined]);
      const both = await seen(through());
      expect([both["x-inbound"], both["x-any"], both["x-gateway"]]).toEqual([
        "yes",
        "yes, yes",
        undefined,
      ]);
      expect((await seen(atEdge()))["x-gateway"]).toBe("yes");
    },
  );

  proves(
    "EnvoyFilter",
    [`${P}.match.listener.filterChain.{transportProtocol,applicationProtocols,transportSocket}`],
    "filter chains are told apart by what they match and what they speak",
    async () => {
      const plain = await seen(direct(9080));
      expect([plain["x-plain"], plain["x-alpn"], plain["x-socket"]]).toEqual([
        "yes",
        undefined,
        undefined,
      ]);
      const secure = await seen(through());
      expect([secure["x-plain"], secure["x-alpn"], secure["x-socket"]]).toEqual([
        undefined,
        "yes",
        "yes",
      ]);
    },
  );

  proves(
    "EnvoyFilter",
    [`${P}.applyTo=FILTER_CHAIN`, `${P}.match.listener.filterChain.name`],
    "a filter chain that is taken away refuses what it took",
    async () => {
      await expect(direct(9081)).rejects.toThrow();
      expect((await through("/", 9081)).status).toBe(200);
      expect((await direct(9080)).status).toBe(200);
    },
  );

  proves(
    "EnvoyFilter",
    [`${P}.applyTo=NETWORK_FILTER`, `${P}.match.listener.portNumber`, `${P}.patch.operation=MERGE`],
    "a network filter's configuration is merged at the port that is named",
    async () => {
      expect((await direct(9080)).headers["server"]).toBe("patched");
      expect((await direct(9083)).headers["server"]).not.toBe("patched");
    },
  );

  proves(
    "EnvoyFilter",
    [`${P}.applyTo=LISTENER`, `${P}.match.listener.name`, `${P}.patch.operation=ADD`],
    "listeners are taken away and added",
    async () => {
      await expect(direct(9082)).rejects.toThrow(/ECONNREFUSED/);
      expect((await direct(9999)).status).toBe(418);
    },
  );

  proves(
    "EnvoyFilter",
    [`${P}.applyTo=LISTENER_FILTER`, `${P}.match.listener.listenerFilter`],
    "without its TLS inspector a listener takes no TLS",
    async () => {
      expect((await direct(9083)).status).toBe(200);
      expect((await through("/", 9083)).status).toBe(503);
    },
  );

  proves(
    "EnvoyFilter",
    [
      `${P}.applyTo={ROUTE_CONFIGURATION,VIRTUAL_HOST}`,
      `${P}.match.routeConfiguration.{name,vhost.name,vhost.domainName}`,
    ],
    "route tables and virtual hosts are merged by their names, and hosts added",
    async () => {
      const first = (await through()).headers;
      expect([first["x-table"], first["x-host"], first["x-domain"]]).toEqual([
        "yes",
        "yes",
        undefined,
      ]);
      const second = (await through("/", 9081)).headers;
      expect([second["x-table"], second["x-host"], second["x-domain"]]).toEqual([
        "yes",
        undefined,
        "yes",
      ]);
      expect((await mesh.get("client", "made.up")).status).toBe(218);
    },
  );

  proves(
    "EnvoyFilter",
    [
      `${P}.applyTo=HTTP_ROUTE`,
      `${P}.match.routeConfiguration.vhost.route.action={ANY,ROUTE,REDIRECT,DIRECT_RESPONSE}`,
      `${P}.match.routeConfiguration.vhost.route.name`,
    ],
    "routes are told apart by what they do, and by name",
    async () => {
      const marksOf = async (path: string) => {
        const { headers } = await through(path);
        return ["x-route", "x-redirect", "x-direct_response", "x-main"].filter(
          (name) => headers[name] === "yes",
        );
      };
      expect(await marksOf("/")).toEqual(["x-route", "x-main"]);
      expect(await marksOf("/old")).toEqual(["x-redirect"]);
      expect(await marksOf("/said")).toEqual(["x-direct_response"]);
      for (const path of ["/", "/old", "/said"])
        expect((await through(path)).headers["x-any"]).toBe("yes");
    },
  );

  proves(
    "EnvoyFilter",
    [`${P}.applyTo=CLUSTER`, `${P}.match.cluster.{service,portNumber,subset,name}`],
    "clusters are added and taken away by service and port, subset, or name",
    async () => {
      expect((await through("/elsewhere")).echo().port).toBe(9084);
      expect((await through("/", 9084)).status).toBe(503);
      expect((await through("/subset")).status).toBe(503);
      expect((await through("/named")).status).toBe(503);
      expect((await through("/", 9081)).status).toBe(200);
    },
  );

  proves(
    "EnvoyFilter",
    [`${P}.patch.operation=MERGE_AND_REPLACE_LIST`, `${P}.match.routeConfiguration.portNumber`],
    "a list takes another's place, in the table of the port that is named",
    async () => {
      const own = (await through("/", 9081)).headers;
      expect([own["x-first"], own["x-second"]]).toEqual([undefined, "yes"]);
      expect((await through()).headers["x-second"]).toBeUndefined();
      expect((await atEdge()).headers["x-port"]).toBe("yes");
    },
  );

  proves(
    "EnvoyFilter",
    [`${P}.match.proxy.{proxyVersion,metadata}`],
    "a patch is for proxies of a version and of a node's metadata",
    async () => {
      const own = await seen(through());
      expect([own["x-version"], own["x-newer"], own["x-gold"], own["x-lead"]]).toEqual([
        "yes",
        undefined,
        "yes",
        undefined,
      ]);
      expect((await seen(direct(9080)))["x-version"]).toBeUndefined();
    },
  );

  proves(
    "EnvoyFilter",
    ["priority"],
    "a higher priority comes later, and has the last word",
    async () => {
      expect((await through("/said")).headers["server"]).toBe("later");
    },
  );

  proves(
    "EnvoyFilter",
    ["targetRefs[].{group,kind,name}"],
    "a target chooses the proxies of the Gateway that it names",
    async () => {
      const own = await seen(atEdge());
      expect([own["x-target"], own["x-other"]]).toEqual(["yes", undefined]);
      expect((await seen(through()))["x-target"]).toBeUndefined();
    },
  );
});
