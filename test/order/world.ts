/** The mesh before any change: what stands in every state unless a row says otherwise. */
import type {
  EndpointSlice,
  EnvoyFilter,
  Gateway,
  GatewayApi,
  MeshObject,
  Secret,
  ServiceEntry,
} from "@heddle/model";
import { applicationAddress } from "../harness/file-agent.ts";
import type { Leaf } from "../harness/certificates.ts";
import {
  gateway,
  gatewayApi,
  object,
  pod,
  type Port,
  service,
  serviceEntry,
  sidecar,
  virtualService,
} from "../harness/objects.ts";
import { type Addresses, workloadsOf } from "./mesh.ts";
import { EGRESS_TCP_PORT, GATEWAY_PORTS, PORTS, SERVER_IP } from "./ports.ts";

export const SERVER_PORTS: readonly Port[] = [
  { name: "http", port: PORTS.http },
  { name: "grpc", port: PORTS.grpc },
  { name: "tcp", port: PORTS.tcp },
  { name: "tls", port: PORTS.tls },
];

export const serverOf = (ports: readonly Port[], addresses: readonly string[]) =>
  service("server", ports, addresses, { clusterIP: SERVER_IP });

/** Pods of which only some are ready to be called; all of them still belong to the service. */
export const serverWithReady = (all: readonly string[], ready: readonly string[]) =>
  serverOf(SERVER_PORTS, all).map((object) => {
    if (object.kind !== "EndpointSlice") return object;
    const spec = object.spec as EndpointSlice;
    const endpoints = (spec.endpoints ?? []).map((each) => ({
      ...each,
      conditions: { ready: each.addresses.some((address) => ready.includes(address)) },
    }));
    return { ...object, spec: { ...spec, endpoints } };
  });

export const SERVERS: NonNullable<Gateway["servers"]> = [
  { port: { number: GATEWAY_PORTS.http, name: "http", protocol: "HTTP" }, hosts: ["a.test"] },
  {
    port: { number: GATEWAY_PORTS.https, name: "https", protocol: "HTTPS" },
    hosts: ["a.test"],
    tls: { mode: "SIMPLE", credentialName: "edge" },
  },
  { port: { number: GATEWAY_PORTS.tcp, name: "tcp", protocol: "TCP" }, hosts: ["*"] },
  {
    port: { number: GATEWAY_PORTS.tls, name: "tls", protocol: "TLS" },
    hosts: ["*.test"],
    tls: { mode: "PASSTHROUGH" },
  },
];

export const edgeGateway = (servers = SERVERS) =>
  gateway("edge", { selector: { istio: "edge" }, servers });

export const BOUND_EGRESS = (client: string) => ({
  port: { number: EGRESS_TCP_PORT, name: "tcp", protocol: "TCP" },
  bind: client,
  captureMode: "NONE" as const,
  hosts: ["./*"],
});

/** What leads from the client to the servers, and everywhere else. */
export const clientSidecar = ({ client }: Addresses, hosts: readonly string[] = ["*/*"]) =>
  sidecar("client", {
    workloadSelector: { labels: { app: "client" } },
    egress: [BOUND_EGRESS(client), { hosts: [...hosts] }],
  });

/** A host outside, served by the applications without their Envoys. */
export const outside = (
  at: Addresses,
  resolution: "STATIC" | "DNS",
  servers: readonly ("a" | "b")[],
): MeshObject<ServiceEntry> =>
  serviceEntry("outside", {
    hosts: ["outside.test"],
    ports: [{ number: 7070, name: "http", protocol: "HTTP" }],
    location: "MESH_EXTERNAL",
    resolution,
    endpoints: servers.map((server) => ({
      address: applicationAddress(at[server]),
      ports: { http: PORTS.http },
    })),
  });

export const edgeRoute = virtualService("a-test", {
  hosts: ["a.test"],
  gateways: ["edge"],
  http: [{ route: [{ destination: { host: "server", port: { number: PORTS.http } } }] }],
});

export const edgeConnections = virtualService("edge-tcp", {
  hosts: ["*"],
  gateways: ["edge"],
  tcp: [
    {
      match: [{ port: GATEWAY_PORTS.tcp }],
      route: [{ destination: { host: "server", port: { number: PORTS.tcp } } }],
    },
  ],
});

/** Passed on by the name that a client asks for. */
export const edgePassedOn = (sniHosts: readonly string[]) =>
  virtualService("edge-tls", {
    hosts: ["*.test"],
    gateways: ["edge"],
    tls: [
      {
        match: [{ port: GATEWAY_PORTS.tls, sniHosts: [...sniHosts] }],
        route: [{ destination: { host: "server", port: { number: PORTS.tls } } }],
      },
    ],
  });

/** What makes interception of the kernel's: where a connection was meant to go is told in front of it. */
const toldDestination = ({ led }: Addresses) =>
  object<EnvoyFilter>("networking.istio.io/v1alpha3", "EnvoyFilter", "told-destination", {
    workloadSelector: { labels: { app: "led" } },
    configPatches: (["virtualOutbound", "virtualInbound"] as const).flatMap((name, index) => [
      {
        applyTo: "LISTENER" as const,
        match: { listener: { name } },
        patch: {
          operation: "MERGE" as const,
          value: {
            address: { socket_address: { address: led, port_value: [15001, 15006][index] } },
          },
        },
      },
      {
        applyTo: "LISTENER_FILTER" as const,
        match: { listener: { name } },
        patch: {
          operation: "INSERT_FIRST" as const,
          value: {
            name: "envoy.filters.listener.proxy_protocol",
            typed_config: {
              "@type":
                "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
            },
          },
        },
      },
    ]),
  });

export const certificateOf = ({ chain, key }: Leaf) =>
  object<Secret>("v1", "Secret", "edge", {
    type: "kubernetes.io/tls",
    data: {
      "tls.crt": Buffer.from(chain).toString("base64"),
      "tls.key": Buffer.from(key).toString("base64"),
    },
  } as Secret);

const API_CLASS = gatewayApi<GatewayApi.GatewayClass>(
  "GatewayClass",
  "heddle",
  { controllerName: "heddle.dev/gateway-controller" },
  "",
);

export const apiGateway = (more: readonly GatewayApi.Listener[] = []) =>
  gatewayApi<GatewayApi.Gateway>("Gateway", "edge-api", {
    gatewayClassName: "heddle",
    listeners: [{ name: "api", port: GATEWAY_PORTS.api, protocol: "HTTP" }, ...more],
    allowedListeners: { namespaces: { from: "Same" } },
  });

const apiRoute = gatewayApi<GatewayApi.HTTPRoute>("HTTPRoute", "edge-api", {
  parentRefs: [{ name: "edge-api" }],
  hostnames: ["a.test"],
  rules: [{ backendRefs: [{ name: "server", port: PORTS.http }] }],
});

export function worldOf(at: Addresses, certificate: Leaf): readonly MeshObject[] {
  return [
    ...workloadsOf(at).map(({ name, address, labels }) =>
      pod({ name, address, labels, serviceAccount: name }),
    ),
    ...service(
      "edge",
      Object.entries(GATEWAY_PORTS).map(([name, port]) => ({ name, port })),
      [at.edge],
      { clusterIP: "10.96.0.1" },
    ),
    ...serverOf(SERVER_PORTS, [at.a, at.b]),
    outside(at, "STATIC", ["a", "b"]),
    certificateOf(certificate),
    edgeGateway(),
    edgeRoute,
    edgeConnections,
    edgePassedOn(["*.test"]),
    toldDestination(at),
    clientSidecar(at),
    API_CLASS,
    apiGateway(),
    apiRoute,
  ];
}
