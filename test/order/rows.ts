/** One row for each kind of change: the states that it goes through, each beside the mesh as it is otherwise. */
import { pathToFileURL } from "node:url";
import type {
  DestinationRule,
  EnvoyFilter,
  GatewayApi,
  MeshObject,
  Telemetry,
  TrafficPolicy,
  VirtualService,
  WasmPlugin,
} from "@heddle/model";
import type { Leaf } from "../harness/certificates.ts";
import {
  destinationRule,
  fallback,
  gatewayApi,
  meshSettings,
  object,
  overloadPolicy,
  requestValidation,
  peerAuthentication,
  rateLimit,
  service,
  sidecar,
  virtualService,
} from "../harness/objects.ts";
import type { Addresses } from "./mesh.ts";
import { GATEWAY_PORTS, MORE_PORT, PORTS } from "./ports.ts";
import {
  apiGateway,
  certificateOf,
  clientSidecar,
  edgeConnections,
  edgeGateway,
  edgePassedOn,
  outside,
  SERVER_PORTS,
  SERVERS,
  serverOf,
  serverWithReady,
} from "./world.ts";

export interface Row {
  readonly what: string;
  /** Objects that are there in a state, in place of those of the same name; a text is the name of one that is not. */
  readonly states: readonly (readonly (MeshObject | string)[])[];
  /** Connections to a listener that is another one afterwards are drained: kinds of which some may end. */
  readonly drains?: readonly string[];
}

const NONE: readonly MeshObject[] = [];
const to = (subset?: string, port: number = PORTS.http) => ({
  destination: { host: "server", port: { number: port }, ...(subset ? { subset } : {}) },
});
const meshHttp = (http: NonNullable<VirtualService["http"]>) =>
  virtualService("server", { hosts: ["server"], http });
const rule = (spec: Omit<DestinationRule, "host">) =>
  destinationRule("server", { host: "server", ...spec });
const policy = (trafficPolicy: TrafficPolicy) => [rule({ trafficPolicy })];
const V1_V2 = [
  { name: "v1", labels: { version: "v1" } },
  { name: "v2", labels: { version: "v2" } },
];
const mtls = (mode: "DISABLE" | "PERMISSIVE" | "STRICT") => [
  peerAuthentication("default", { mtls: { mode } }),
];
const toServer = (port: number = PORTS.http) => ({ name: "server", port });
const ONTO_SERVICE = [{ group: "", kind: "Service", name: "server" }];
const ONTO_EDGE = [{ name: "edge-api" }];
export function rowsOf(at: Addresses, certificates: readonly [Leaf, Leaf], wasm: string): Row[] {
  return [
    ...rules(at),
    ...policies(),
    ...services(at),
    ...gateways(at, certificates),
    ...security(),
    ...extensions(wasm),
  ];
}

function rules(at: Addresses): Row[] {
  const httpRoute = (port: number, path: string) =>
    gatewayApi<GatewayApi.HTTPRoute>("HTTPRoute", "server", {
      parentRefs: ONTO_SERVICE,
      rules: [
        { matches: [{ path: { value: path } }], backendRefs: [toServer(port)] },
        { backendRefs: [toServer()] },
      ],
    });
  const grpcRoute = (method: string) =>
    gatewayApi<GatewayApi.GRPCRoute>("GRPCRoute", "server-grpc", {
      parentRefs: [{ ...ONTO_SERVICE[0], name: "server", port: PORTS.grpc }],
      rules: [
        {
          matches: [{ method: { service: "test.Echo", method } }],
          backendRefs: [toServer(PORTS.grpc)],
        },
        { backendRefs: [toServer(PORTS.grpc)] },
      ],
    });
  const connections = (subset?: string) => [
    virtualService("server-tcp", {
      hosts: ["server"],
      tcp: [{ match: [{ port: PORTS.tcp }], route: [to(subset, PORTS.tcp)] }],
    }),
    ...(subset ? [rule({ subsets: V1_V2 })] : []),
  ];
  const ledSidecar = (mode: "REGISTRY_ONLY" | "ALLOW_ANY") =>
    sidecar("led", {
      workloadSelector: { labels: { app: "led" } },
      outboundTrafficPolicy: { mode },
    });
  const horizon = [
    sidecar("led", {
      workloadSelector: { labels: { app: "led" } },
      egress: [{ hosts: ["./server.default.svc.cluster.local"] }],
    }),
  ];
  const edgeTo = (subset?: string) => [
    virtualService("edge-tcp", {
      ...edgeConnections.spec,
      tcp: [{ match: [{ port: GATEWAY_PORTS.tcp }], route: [to(subset, PORTS.tcp)] }],
    }),
    ...(subset ? [rule({ subsets: V1_V2 })] : []),
  ];
  return [
    {
      what: "VirtualService http, in the mesh",
      states: [
        NONE,
        [meshHttp([{ match: [{ uri: { prefix: "/x" } }], route: [to()] }, { route: [to()] }])],
        [meshHttp([{ timeout: "5s", retries: { attempts: 1 }, route: [to()] }])],
      ],
    },
    {
      what: "VirtualService http with subsets that come and go with it",
      states: [
        NONE,
        [rule({ subsets: V1_V2 }), meshHttp([{ route: [to("v1")] }])],
        [rule({ subsets: V1_V2 }), meshHttp([{ route: [to("v2")] }])],
      ],
    },
    {
      what: "VirtualService tcp, in the mesh",
      states: [NONE, connections(), connections("v1")],
      drains: ["lasting connection in the mesh", "lasting connection led to an Envoy"],
    },
    {
      what: "VirtualService tcp, at a gateway",
      states: [edgeTo(), edgeTo("v1"), edgeTo("v2")],
      drains: ["lasting connection at the gateway"],
    },
    {
      what: "VirtualService tls, at a gateway",
      states: [NONE, [edgePassedOn(["tls.test"])], [edgePassedOn(["one.test", "tls.test"])]],
    },
    {
      what: "HTTPRoute of a Service",
      states: [NONE, [httpRoute(PORTS.http, "/x")], [httpRoute(PORTS.http, "/y")]],
    },
    { what: "GRPCRoute of a Service", states: [NONE, [grpcRoute("Say")], [grpcRoute("Talk")]] },
    {
      what: "Sidecar egress",
      states: [
        NONE,
        [clientSidecar(at, ["./server.default.svc.cluster.local", "./outside.test"]), ...horizon],
        [
          clientSidecar(at, [
            "./outside.test",
            "./server.default.svc.cluster.local",
            "./edge.default.svc.cluster.local",
          ]),
        ],
      ],
    },
    {
      what: "a Sidecar's outbound policy",
      states: [NONE, [ledSidecar("REGISTRY_ONLY")], [ledSidecar("ALLOW_ANY")]],
    },
    {
      what: "MeshSettings' outbound policy",
      states: [NONE, [meshSettings({ outboundTrafficPolicy: "REGISTRY_ONLY" })]],
    },
  ];
}

function policies(): Row[] {
  return [
    {
      what: "DestinationRule subsets, with no rule that uses them",
      states: [NONE, [rule({ subsets: V1_V2 })], [rule({ subsets: V1_V2.slice(1) })]],
    },
    {
      what: "DestinationRule load balancing",
      states: [
        policy({ loadBalancer: { simple: "RANDOM" } }),
        policy({ loadBalancer: { simple: "LEAST_REQUEST" } }),
        policy({ loadBalancer: { simple: "ROUND_ROBIN" } }),
      ],
    },
    {
      what: "DestinationRule hash",
      states: [
        NONE,
        policy({ loadBalancer: { consistentHash: { httpHeaderName: "x-user" } } }),
        policy({
          loadBalancer: { consistentHash: { useSourceIp: true, maglev: { tableSize: 1009 } } },
        }),
      ],
      drains: LASTING_CONNECTIONS,
    },
    {
      what: "DestinationRule connection pool",
      states: [
        NONE,
        policy({ connectionPool: { tcp: { maxConnections: 200 } } }),
        policy({ connectionPool: { http: { maxRequestsPerConnection: 5 } } }),
        policy({ connectionPool: { http: { h2UpgradePolicy: "UPGRADE" } } }),
      ],
    },
    {
      what: "DestinationRule outlier detection",
      states: [
        NONE,
        policy({ outlierDetection: { consecutive5xxErrors: 5, interval: "1s" } }),
        policy({ outlierDetection: { consecutiveGatewayErrors: 7, maxEjectionPercent: 50 } }),
      ],
    },
    {
      what: "DestinationRule tls mode, with servers that take either",
      states: [
        NONE,
        policy({ tls: { mode: "DISABLE" } }),
        policy({ tls: { mode: "ISTIO_MUTUAL" } }),
      ],
    },
  ];
}

const withMorePort = ({ a, b }: Addresses) =>
  serverOf([...SERVER_PORTS, { name: "http-more", port: MORE_PORT }], [a, b]);

function services(at: Addresses): Row[] {
  const ports = (...changed: readonly Record<string, unknown>[]) =>
    SERVER_PORTS.map((port, index) => ({ ...port, ...changed[index] }));
  const both = [at.a, at.b];
  const spare = service("spare", [{ name: "http", port: PORTS.http }], [at.b], {
    clusterIP: "10.96.0.11",
  });
  return [
    {
      what: "ServiceEntry endpoints",
      states: [
        [outside(at, "STATIC", ["a", "b"])],
        [outside(at, "STATIC", ["a"])],
        [outside(at, "STATIC", ["b"])],
      ],
    },
    {
      what: "ServiceEntry resolution",
      states: [[outside(at, "STATIC", ["a", "b"])], [outside(at, "DNS", ["a"])]],
    },
    {
      what: "endpoints rolled",
      states: [
        serverWithReady(both, [at.a]),
        serverWithReady(both, both),
        serverWithReady(both, [at.b]),
        serverWithReady(both, both),
      ],
    },
    {
      what: "endpoints that leave a Service, and with them the ports that they listen on",
      states: [
        serverOf(SERVER_PORTS, [at.a]),
        serverOf(SERVER_PORTS, both),
        serverOf(SERVER_PORTS, [at.b]),
        serverOf(SERVER_PORTS, both),
      ],
      drains: LASTING_IN_MESH,
    },
    {
      what: "a Service's port added",
      states: [NONE, withMorePort(at)],
    },
    {
      what: "a Service's port named otherwise",
      states: [NONE, serverOf(ports({ name: "http-named" }, {}, { name: "tcp-named" }), both)],
    },
    {
      what: "a Service's port of another protocol",
      states: [NONE, serverOf(ports({ name: "other" }, {}, { name: "any" }), both)],
      drains: LASTING_IN_MESH,
    },
    {
      what: "a Service's targetPort",
      states: [NONE, serverOf(ports({ targetPort: MORE_PORT }), both)],
      // The listener of the port that nothing leads to any more goes.
      drains: LASTING_REQUESTS,
    },
    {
      what: "a Service added",
      states: [NONE, spare],
    },
    {
      what: "a Fallback",
      states: [
        spare,
        [
          ...spare,
          fallback("server", {
            host: "server",
            after: "5s",
            destination: { host: "spare", port: { number: PORTS.http } },
          }),
        ],
      ],
    },
  ];
}

function gateways(at: Addresses, [one, other]: readonly [Leaf, Leaf]): Row[] {
  const first = (hosts: string[]) => ({ ...SERVERS[0]!, hosts });
  const more = {
    port: { number: 8081, name: "more", protocol: "HTTP" },
    hosts: ["a.test"],
  };
  const route = (name: string, matches: GatewayApi.HTTPRouteMatch[], port: number) =>
    gatewayApi<GatewayApi.HTTPRoute>("HTTPRoute", name, {
      parentRefs: ONTO_EDGE,
      rules: [{ matches, backendRefs: [toServer(port)] }],
    });
  const path = (value: string) => [{ path: { value } }];
  const grpcRoute = (method: string) =>
    gatewayApi<GatewayApi.GRPCRoute>("GRPCRoute", "edge-grpc", {
      parentRefs: ONTO_EDGE,
      hostnames: ["grpc.test"],
      rules: [
        {
          matches: [{ method: { service: "test.Echo", method } }],
          backendRefs: [toServer(PORTS.grpc)],
        },
      ],
    });
  const set = (port: number) =>
    gatewayApi<GatewayApi.ListenerSet>("ListenerSet", "more", {
      parentRef: { name: "edge-api" },
      listeners: [{ name: "extra", port, protocol: "HTTP" }],
    });
  return [
    {
      what: "a Gateway's hosts",
      states: [
        NONE,
        [edgeGateway([first(["a.test", "b.test"]), ...SERVERS.slice(1)])],
        [edgeGateway([first(["*.test"]), ...SERVERS.slice(1)])],
      ],
    },
    {
      what: "a Gateway's servers and ports",
      states: [
        NONE,
        [edgeGateway([...SERVERS, more])],
        [edgeGateway([...SERVERS, { ...more, port: { ...more.port, number: 8082 } }])],
      ],
    },
    {
      what: "the certificate of a Gateway",
      states: [[certificateOf(one)], [certificateOf(other)]],
    },
    {
      what: "a Gateway's TLS parameters",
      states: [
        NONE,
        [
          edgeGateway(
            SERVERS.map((each) =>
              each.tls ? { ...each, tls: { ...each.tls, minProtocolVersion: "TLSV1_3" } } : each,
            ) as typeof SERVERS,
          ),
        ],
      ],
    },
    {
      what: "HTTPRoute of a Gateway",
      states: [
        NONE,
        [route("edge-api-more", path("/x"), PORTS.http)],
        [...withMorePort(at), route("edge-api", path("/"), MORE_PORT)],
        [route("edge-api-more", path("/"), PORTS.http)],
      ],
    },
    {
      what: "GRPCRoute of a Gateway",
      states: [NONE, [grpcRoute("Say")], [grpcRoute("Talk")]],
    },
    {
      what: "a listener of a Gateway of the Gateway API",
      states: [
        NONE,
        [apiGateway([{ name: "more", port: 8086, protocol: "HTTP" }])],
        [apiGateway([{ name: "more", port: 8086, protocol: "HTTP", hostname: "b.test" }])],
      ],
    },
    { what: "ListenerSet", states: [NONE, [set(8086)], [set(8087)]] },
  ];
}

function security(): Row[] {
  const ingress = (port: number) =>
    sidecar("server", {
      workloadSelector: { labels: { app: "server" } },
      ingress: [
        {
          port: { number: PORTS.http, protocol: "HTTP", name: "http" },
          defaultEndpoint: `127.0.0.1:${port}`,
        },
        {
          port: { number: PORTS.grpc, protocol: "GRPC", name: "grpc" },
          defaultEndpoint: `127.0.0.1:${PORTS.grpc}`,
        },
        {
          port: { number: PORTS.tcp, protocol: "TCP", name: "tcp" },
          defaultEndpoint: `127.0.0.1:${PORTS.tcp}`,
        },
        {
          port: { number: PORTS.tls, protocol: "TLS", name: "tls" },
          defaultEndpoint: `127.0.0.1:${PORTS.tls}`,
        },
      ],
    });
  return [
    {
      what: "PeerAuthentication PERMISSIVE, STRICT",
      states: [mtls("PERMISSIVE"), mtls("STRICT")],
    },
    {
      what: "PeerAuthentication PERMISSIVE, DISABLE",
      states: [mtls("PERMISSIVE"), mtls("DISABLE")],
      drains: LASTING_IN_MESH,
    },
    {
      what: "PeerAuthentication STRICT, DISABLE",
      states: [mtls("STRICT"), mtls("DISABLE")],
      drains: LASTING_IN_MESH,
    },
    {
      what: "PeerAuthentication STRICT and a rule with DISABLE, against neither",
      states: [
        [...mtls("DISABLE"), ...policy({ tls: { mode: "DISABLE" } })],
        [...mtls("STRICT"), ...policy({ tls: { mode: "ISTIO_MUTUAL" } })],
      ],
      drains: LASTING_IN_MESH,
    },
    {
      what: "Sidecar ingress",
      states: [NONE, [ingress(PORTS.http)], [ingress(MORE_PORT)]],
      drains: LASTING_IN_MESH,
    },
  ];
}

/** A filter chain of theirs says which way they go: a rule that says otherwise makes it another one. */
const LASTING_CONNECTIONS = [
  "lasting connection in the mesh",
  "lasting connection at the gateway",
  "lasting connection led to an Envoy",
];

/** The filters that a request passes are part of a filter chain. */
const LASTING_REQUESTS = [
  "WebSocket in the mesh",
  "WebSocket at the gateway",
  "WebSocket led to an Envoy",
  "gRPC stream in the mesh",
];

/** What goes through the servers' own listeners. */
const LASTING_IN_MESH = [...LASTING_CONNECTIONS, ...LASTING_REQUESTS];

function extensions(wasm: string): Row[] {
  const marks = (text: string) =>
    object<EnvoyFilter>("networking.istio.io/v1alpha3", "EnvoyFilter", "marks", {
      configPatches: [
        {
          applyTo: "HTTP_FILTER",
          match: {
            listener: {
              filterChain: {
                filter: {
                  name: "envoy.filters.network.http_connection_manager",
                  subFilter: { name: "envoy.filters.http.router" },
                },
              },
            },
          },
          patch: {
            operation: "INSERT_BEFORE",
            value: {
              name: "marks",
              typed_config: {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                default_source_code: {
                  inline_string: `function envoy_on_request(r) r:headers():add("x-marked", "${text}") end`,
                },
              },
            },
          },
        },
      ],
    });
  const plugin = (value: string) =>
    object<WasmPlugin>("extensions.istio.io/v1alpha1", "WasmPlugin", "tells", {
      selector: { matchLabels: { app: "server" } },
      url: pathToFileURL(wasm).href,
      pluginConfig: { value },
    } as WasmPlugin);
  const telemetry = (value: string) =>
    object<Telemetry>("telemetry.istio.io/v1", "Telemetry", "level", {
      metrics: [{ overrides: [{ tagOverrides: { level: { value: `'${value}'` } } }] }],
    });
  const ON_SERVER = { selector: { matchLabels: { app: "server" } } };
  return [
    {
      what: "EnvoyFilter",
      states: [NONE, [marks("one")], [marks("two")]],
      drains: LASTING_REQUESTS,
    },
    {
      what: "WasmPlugin",
      states: [NONE, [plugin("one")], [plugin("two")]],
      drains: LASTING_REQUESTS,
    },
    {
      what: "Telemetry",
      states: [NONE, [telemetry("one")], [telemetry("two")]],
      drains: LASTING_IN_MESH,
    },
    {
      what: "MeshSettings' access log and traces",
      states: [NONE, [meshSettings({ accessLog: false, traceSampling: 1 })]],
      drains: LASTING_IN_MESH,
    },
    {
      what: "RateLimit",
      states: [
        NONE,
        [rateLimit("server", { ...ON_SERVER, limits: [{ requests: 100_000, per: "1s" }] })],
        [rateLimit("server", { ...ON_SERVER, limits: [{ requests: 200_000, per: "1s" }] })],
      ],
      drains: LASTING_REQUESTS,
    },
    {
      what: "OverloadPolicy",
      states: [
        NONE,
        [overloadPolicy("server", { ...ON_SERVER, admission: { successRate: 5, window: "10s" } })],
        [overloadPolicy("server", { ...ON_SERVER, concurrency: { min: 50, max: 1000 } })],
      ],
      drains: LASTING_REQUESTS,
    },
    {
      what: "RequestValidation",
      states: [
        NONE,
        [requestValidation("server", { ...ON_SERVER, limits: { urlBytes: 2048, headers: 200 } })],
        [
          requestValidation("server", {
            ...ON_SERVER,
            rules: [{ match: { path: { prefix: "/" } }, maxBodyBytes: 1_000_000 }],
          }),
        ],
      ],
      drains: LASTING_REQUESTS,
    },
  ];
}
