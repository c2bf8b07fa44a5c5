/**
 * Every kind of conflict through a real plane and agent: refused with both objects named, taken with `force` and then warned
 * of at both until it is mended, and warned of at both where they came to the cluster by kubectl.
 */
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createClient, HeddleApiError, type HeddleClient } from "@heddle/client";
import { type Diagnostic, objectKey, parseDocuments } from "@heddle/model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningPlane, startPlane } from "../../apps/api/src/node.ts";
import { type RunningAgent, startAgent } from "./agent.ts";
import { parseAgentOptions } from "./options.ts";
import { until } from "./testing/envoy-pod.ts";

const error = (message: string, fields?: unknown) => console.error(message, fields);
const quiet = { info() {}, warn() {}, error };

interface Value {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly spec: object;
}

const ISTIO = "networking.istio.io/v1";
const GATEWAY_API = "gateway.networking.k8s.io/v1";
const TELEMETRY = "telemetry.istio.io/v1";
const HEDDLE = "heddle.dev/v1";

let namespaces = 0;
/** Objects of one case are in a namespace of their own, so that cases leave each other alone. */
const value =
  (apiVersion: string, kind: string) =>
  (name: string, namespace: string, spec: object): Value => ({
    apiVersion,
    kind,
    metadata: { name, namespace },
    spec,
  });
const istio = (kind: string) => value(ISTIO, kind);
const route = (kind: string) => value(GATEWAY_API, kind);
const web = { selector: { matchLabels: { app: "web" } } };

interface Conflict {
  readonly code: string;
  /** What has to be there before. */
  readonly world?: (namespace: string) => readonly Value[];
  readonly first: (namespace: string) => Value;
  readonly second: (namespace: string) => Value;
}

/** Two of one kind with one spec, or with one each. */
function two(
  of: ReturnType<typeof value>,
  code: string,
  spec: object | ((namespace: string) => object),
  other = spec,
): Conflict {
  const at = (each: typeof spec, namespace: string) =>
    typeof each === "function" ? (each as (namespace: string) => object)(namespace) : each;
  return {
    code,
    first: (namespace) => of("a", namespace, at(spec, namespace)),
    second: (namespace) => of("b", namespace, at(other, namespace)),
  };
}

const edge = (namespace: string): readonly Value[] => [
  {
    ...value(GATEWAY_API, "GatewayClass")("heddle", "", {
      controllerName: "heddle.dev/gateway-controller",
    }),
    metadata: { name: "heddle" },
  },
  value(GATEWAY_API, "Gateway")("edge", namespace, {
    gatewayClassName: "heddle",
    allowedListeners: { namespaces: { from: "All" } },
    listeners: [{ name: "http", port: 80, protocol: "HTTP" }],
  }),
];
const server = (namespace: string, number: number, protocol: string) => ({
  selector: { istio: namespace },
  servers: [
    {
      port: { number, name: `p${number}`, protocol },
      hosts: ["shop.example.com"],
      ...(protocol === "HTTPS" ? { tls: { mode: "SIMPLE", credentialName: "shop" } } : {}),
    },
  ],
});
const outside = (namespace: string, resolution: string) => ({
  hosts: [`api.${namespace}.example.com`],
  ports: [{ number: 443, name: "tls", protocol: "TLS" }],
  resolution,
});
const ingress = (service: string) => (namespace: string) => ({
  rules: [
    {
      host: `${namespace}.example.com`,
      http: {
        paths: [
          {
            path: "/cart",
            pathType: "Prefix",
            backend: { service: { name: service, port: { number: 80 } } },
          },
        ],
      },
    },
  ],
});
const toWeb = { parentRefs: [{ group: "", kind: "Service", name: "web" }] };
const atEdge = { parentRefs: [{ name: "edge" }], hostnames: ["shop.example.com"] };
const trusting = {
  targetRefs: [{ group: "", kind: "Service", name: "web" }],
  validation: { hostname: "web.example.com", wellKnownCACertificates: "System" },
};
const gatewayTarget = {
  targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" }],
};

const CONFLICTS: Readonly<Record<string, Conflict>> = {
  "VirtualServices for one host of the mesh": two(istio("VirtualService"), "IST0109", {
    hosts: ["web"],
    http: [{ route: [{ destination: { host: "web" } }] }],
  }),
  "Sidecars for a namespace": two(istio("Sidecar"), "IST0111", { egress: [{ hosts: ["./*"] }] }),
  "Sidecars for one workload": two(istio("Sidecar"), "IST0110", {
    workloadSelector: { labels: { app: "web" } },
    egress: [{ hosts: ["./*"] }],
  }),
  "Telemetries for a namespace": two(value(TELEMETRY, "Telemetry"), "IST0160", {}),
  "Telemetries for one workload": two(value(TELEMETRY, "Telemetry"), "IST0159", web),
  "Telemetries for one Gateway": two(value(TELEMETRY, "Telemetry"), "IST0159", gatewayTarget),
  "ProxyConfigs for a namespace": two(
    value("networking.istio.io/v1beta1", "ProxyConfig"),
    "HDL0106",
    {
      concurrency: 1,
    },
  ),
  "PeerAuthentications for a namespace": two(
    value("security.istio.io/v1", "PeerAuthentication"),
    "HDL0103",
    { mtls: { mode: "STRICT" } },
    { mtls: { mode: "DISABLE" } },
  ),
  "PeerAuthentications for one workload": two(
    value("security.istio.io/v1", "PeerAuthentication"),
    "HDL0103",
    { ...web, mtls: { mode: "STRICT" } },
  ),
  "DestinationRules with a subset of one name": two(
    istio("DestinationRule"),
    "HDL0101",
    { host: "web", subsets: [{ name: "v1", labels: { version: "v1" } }] },
    { host: "web", subsets: [{ name: "v1", labels: { version: "v2" } }] },
  ),
  "DestinationRules with a policy each": two(istio("DestinationRule"), "HDL0101", {
    host: "web",
    trafficPolicy: { loadBalancer: { simple: "RANDOM" } },
  }),
  "DestinationRules that are exported differently": two(
    istio("DestinationRule"),
    "HDL0101",
    { host: "web", subsets: [{ name: "v1", labels: { version: "v1" } }] },
    { host: "web", exportTo: ["."], subsets: [{ name: "v2", labels: { version: "v2" } }] },
  ),
  "Gateways with one host of TLS": two(istio("Gateway"), "IST0145", (namespace) =>
    server(namespace, 443, "HTTPS"),
  ),
  "Gateways with two protocols on one port": two(
    istio("Gateway"),
    "HDL0104",
    (namespace: string) => server(namespace, 8080, "HTTP"),
    (namespace: string) => server(namespace, 8080, "HTTPS"),
  ),
  "ServiceEntries for one host": two(
    istio("ServiceEntry"),
    "HDL0105",
    (namespace: string) => outside(namespace, "DNS"),
    (namespace: string) => ({
      ...outside(namespace, "STATIC"),
      endpoints: [{ address: "10.0.0.1" }],
    }),
  ),
  "ServiceEntries of two namespaces for one host": {
    code: "HDL0105",
    first: (namespace) => istio("ServiceEntry")("a", namespace, outside(namespace, "DNS")),
    second: (namespace) =>
      istio("ServiceEntry")("b", `${namespace}-far`, outside(namespace, "NONE")),
  },
  "Ingresses with one path": {
    ...two(value("networking.k8s.io/v1", "Ingress"), "HDL0172", ingress("web"), ingress("api")),
    world: () => [
      {
        ...value("networking.k8s.io/v1", "IngressClass")("istio", "", {
          controller: "istio.io/ingress-controller",
        }),
        metadata: {
          name: "istio",
          annotations: { "ingressclass.kubernetes.io/is-default-class": "true" },
        },
      },
    ],
  },
  "Fallbacks for one service": two(value(HEDDLE, "Fallback"), "HDL0144", {
    host: "web",
    response: { status: 200 },
  }),
  "OverloadPolicies for a namespace": two(value(HEDDLE, "OverloadPolicy"), "HDL0155", {
    concurrency: { max: 10 },
  }),
  "OverloadPolicies for one workload": two(value(HEDDLE, "OverloadPolicy"), "HDL0155", {
    ...web,
    concurrency: { max: 10 },
  }),
  "RequestValidations for a namespace": two(value(HEDDLE, "RequestValidation"), "HDL0186", {
    limits: { headers: 50 },
  }),
  "RequestValidations for one workload": two(value(HEDDLE, "RequestValidation"), "HDL0186", {
    ...web,
    limits: { headers: 50 },
  }),
  "a VirtualService and an HTTPRoute for one Service": {
    code: "HDL0153",
    first: (namespace) => route("HTTPRoute")("a", namespace, toWeb),
    second: (namespace) =>
      istio("VirtualService")("b", namespace, {
        hosts: ["web"],
        http: [{ route: [{ destination: { host: "web" } }] }],
      }),
  },
  "a GRPCRoute and a VirtualService for one Service": {
    code: "HDL0153",
    first: (namespace) =>
      istio("VirtualService")("a", namespace, {
        hosts: ["web"],
        http: [{ route: [{ destination: { host: "web" } }] }],
      }),
    second: (namespace) => route("GRPCRoute")("b", namespace, toWeb),
  },
  "an HTTPRoute and a GRPCRoute for one host of a listener": {
    code: "HDL0132",
    world: edge,
    first: (namespace) => route("HTTPRoute")("a", namespace, atEdge),
    second: (namespace) => route("GRPCRoute")("b", namespace, atEdge),
  },
  "a Gateway and a ListenerSet with one port": {
    code: "HDL0132",
    world: (namespace) => edge(namespace).slice(0, 1),
    first: (namespace) => edge(namespace)[1] as Value,
    second: (namespace) =>
      value(GATEWAY_API, "ListenerSet")("b", namespace, {
        parentRef: { name: "edge" },
        listeners: [{ name: "http", port: 80, protocol: "HTTP" }],
      }),
  },
  "BackendTLSPolicies for one Service": two(
    value(GATEWAY_API, "BackendTLSPolicy"),
    "HDL0132",
    trusting,
  ),
};

let folder: string;
let plane: RunningPlane;
let agent: RunningAgent;
let client: HeddleClient;

/** The namespaced objects with their keys, as the plane has them. */
function keyOf(object: Value): string {
  const [parsed] = parseDocuments(JSON.stringify(object), { file: "x" }).objects;
  return objectKey(parsed!.object);
}
const nameOf = ({ metadata }: Value) =>
  `${String(metadata["namespace"])}/${String(metadata["name"])}`;
const apply = (objects: readonly Value[], force = false) =>
  client.apply("test", { objects: objects as never, force });
/** `level` of the findings with a code, at an object of the plane. */
const levelsAt = async (object: Value, code: string) =>
  (await client.getObject("test", keyOf(object))).diagnostics
    .filter((found) => found.code === code)
    .map(({ level }) => level);
/** The agent's own findings, of what is the plane's too. */
const agentsLevelsAt = async (object: Value, code: string) => {
  const { diagnostics } = await client.transport.json<{ diagnostics: readonly Diagnostic[] }>(
    "GET",
    "/v1/meshes/test/cluster",
  );
  return diagnostics
    .filter((found) => found.code === code && found.origin === `${object.kind} ${nameOf(object)}`)
    .map(({ level }) => level);
};
const levelsInCluster = async (object: Value, code: string) =>
  (await client.objectEffect("test", keyOf(object))).diagnostics
    .filter((found) => found.code === code)
    .map(({ level }) => level);
/** Kubectl's way: a file of the agent's folder. */
async function kubectl(objects: readonly Value[]): Promise<void> {
  const items = [...new Map(objects.map((object) => [keyOf(object), object])).values()];
  const file = path.join(folder, "cluster/objects.yaml");
  await writeFile(`${file}.new`, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  await rename(`${file}.new`, file);
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-conflict-kinds-"));
  await mkdir(path.join(folder, "cluster"));
  plane = await startPlane({ port: 0, dataDir: path.join(folder, "plane"), log: quiet });
  client = createClient({ baseUrl: plane.url, token: plane.adminToken });
  await client.createMesh({ name: "test", trustDomain: "test.example" });
  const { token } = await client.createJoinToken("test", { name: "test" });
  const flags = {
    ...{ plane: plane.url, token, name: "test", config: path.join(folder, "cluster") },
    ...{ state: path.join(folder, "agent"), xds: "127.0.0.1:0", metrics: "off" },
  };
  agent = await startAgent(parseAgentOptions({ ...flags, roles: "control" }), quiet);
}, 60_000);
afterAll(async () => {
  await agent?.close();
  await plane?.close();
  await rm(folder, { recursive: true, force: true });
});

const cases = Object.entries(CONFLICTS).map(([what, { code, world = () => [], first, second }]) => {
  const namespace = `case-${++namespaces}`;
  return { what, code, before: world(namespace), a: first(namespace), b: second(namespace) };
});
type Case = (typeof cases)[number];

/** Of the cases those where the warning is not (or not gone) at some object of them. */
async function notYet(
  state: "warned" | "clear",
  levels: typeof levelsAt,
  of: (each: Case) => readonly Value[],
): Promise<readonly string[]> {
  const left: string[] = [];
  for (const each of cases) {
    for (const object of of(each)) {
      const warned = (await levels(object, each.code)).includes("Warning");
      if (warned !== (state === "warned")) left.push(`${each.what}: ${nameOf(object)}`);
    }
  }
  return left;
}
async function everyCase(...[state, levels, of]: Parameters<typeof notYet>): Promise<void> {
  let left: readonly string[] = [];
  await until(async () => (left = await notYet(state, levels, of)).length === 0, 20_000).catch(() =>
    expect(left).toEqual([]),
  );
}

describe("two objects of which one would have no effect", () => {
  it.each(cases)("$what: refused with both named, taken with force", async (each) => {
    const { code, before, a, b } = each;
    await apply([...before, a]);
    const refused = await apply([b]).then(
      () => undefined,
      (problem: unknown) => problem,
    );
    expect(refused).toBeInstanceOf(HeddleApiError);
    const { status, problem } = refused as HeddleApiError;
    expect(status).toBe(422);
    const text = (problem.diagnostics ?? [])
      .filter((found) => found.code === code && found.level === "Error")
      .map(({ origin, message }) => `${origin}: ${message}`)
      .join("\n");
    expect(text).toContain(nameOf(a));
    expect(text).toContain(nameOf(b));
    const forced = await apply([b], true);
    const warned = forced.diagnostics.filter((found) => found.code === code);
    expect(warned.map(({ level }) => level)).toContain("Warning");
    for (const object of [a, b]) expect(await levelsAt(object, code)).toContain("Warning");
  });

  it("are both warned of, by the agent too, until one goes", async () => {
    await everyCase("warned", agentsLevelsAt, ({ a, b }) => [a, b]);
    await client.apply("test", { objects: [], delete: cases.map(({ b }) => keyOf(b)) });
    // What the agent said of the revision before goes when it has the new one.
    await everyCase("clear", levelsAt, ({ a }) => [a]);
    const rest = new Set(cases.flatMap(({ a, before }) => [a, ...before].map(keyOf)));
    await client.apply("test", { objects: [], delete: [...rest] });
  }, 60_000);

  it("are both warned of where they came by kubectl, until one goes", async () => {
    await kubectl(cases.flatMap(({ before, a, b }) => [...before, a, b]));
    await everyCase("warned", levelsInCluster, ({ a, b }) => [a, b]);
    await kubectl(cases.flatMap(({ before, a }) => [...before, a]));
    await everyCase("clear", levelsInCluster, ({ a }) => [a]);
  }, 60_000);
});
