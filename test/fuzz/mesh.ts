/** A small mesh that objects are tried in: services, a sidecar, a gateway, what these hold of an object, and what is found wrong with it. */
import { analyze, MeshIndex } from "@heddle/analysis";
import { canonical, encode, merge } from "@heddle/envoy";
import { type Diagnostic, type MeshObject, objectKey } from "@heddle/model";
import { createTranslator, parseNode, type ProxyView, type Translator } from "@heddle/translate";
import { destinationRule, gateway, pod, service, virtualService } from "../harness/objects.ts";
import { MESH } from "../harness/world.ts";
import { cpuTime } from "./cpu-time.ts";

const MESSAGES = {
  listener: "envoy.config.listener.v3.Listener",
  route: "envoy.config.route.v3.RouteConfiguration",
  cluster: "envoy.config.cluster.v3.Cluster",
  endpoint: "envoy.config.endpoint.v3.ClusterLoadAssignment",
} as const;
type Type = keyof typeof MESSAGES;
const TYPES = Object.keys(MESSAGES) as Type[];

const HTTP = [{ name: "http", port: 80, targetPort: 8080 }];

const BASE: readonly MeshObject[] = [
  ...service("reviews", HTTP, ["10.1.0.1"], { clusterIP: "10.0.0.1" }),
  ...service("ratings", [...HTTP, { name: "tcp", port: 9000 }], ["10.1.0.2"], {
    clusterIP: "10.0.0.2",
  }),
  pod({ name: "web", address: "10.1.0.9", labels: { app: "web" }, workload: "web" }),
  pod({
    name: "reviews",
    address: "10.1.0.1",
    labels: { app: "reviews", version: "v1" },
    workload: "reviews",
  }),
  pod({
    name: "edge",
    address: "10.1.0.10",
    labels: { istio: "ingressgateway" },
    workload: "edge",
  }),
  gateway("edge", {
    selector: { istio: "ingressgateway" },
    servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
  }),
  virtualService("edge", {
    hosts: ["*"],
    gateways: ["edge"],
    http: [{ route: [{ destination: { host: "reviews" } }] }],
  }),
  destinationRule("ratings", {
    host: "ratings",
    subsets: [{ name: "v1", labels: { version: "v1" } }],
  }),
];

export interface TrialMesh {
  /** Puts objects in, reads what the proxies then hold, encodes what is new, and takes the objects out again. */
  hold(objects: readonly MeshObject[]): HeldResult;
  /** Looks at the mesh with the objects as every write does, and takes them out again. */
  analyze(objects: readonly MeshObject[]): AnalyzedResult;
  /** Whether the proxies hold, and analysis finds, what they did before anything was tried. */
  isAsBefore(): boolean;
}

export interface AnalyzedResult {
  /** How long it took, in milliseconds. */
  readonly milliseconds: number;
  readonly diagnostics: readonly Diagnostic[];
}

export interface HeldResult {
  /** How long it took until everything was worked out, in milliseconds. */
  readonly milliseconds: number;
  readonly diagnostics: readonly Diagnostic[];
  /** Resources that are none of Envoy's API, each with the reason. */
  readonly wrong: readonly string[];
}

export function createTrialMesh(): TrialMesh {
  const translator: Translator = createTranslator({
    mesh: MESH,
    clusterId: "c1",
    envoyApi: { canonical, merge },
  });
  const base = new Map(BASE.map((object) => [objectKey(object), object]));
  translator.apply([...base].map(([key, object]) => ({ key, object })));
  const views: readonly ProxyView[] = [
    translator.view(parseNode(node("sidecar", "10.1.0.9", "web", { app: "web" }))),
    translator.view(
      parseNode(node("sidecar", "10.1.0.1", "reviews", { app: "reviews", version: "v1" })),
    ),
    translator.view(parseNode(node("router", "10.1.0.10", "edge", { istio: "ingressgateway" }))),
  ];
  const known = new WeakSet();
  const read = () => {
    const held: [Type, string, object][] = [];
    for (const view of views) {
      for (const type of TYPES) {
        for (const [name, value] of view.resources(type)) held.push([type, name, value as object]);
      }
    }
    return held;
  };
  const index = new MeshIndex();
  for (const object of BASE) index.put(object);
  const text = () => JSON.stringify([read(), analyze(index)]);
  const before = text();

  return {
    hold(objects) {
      const keys = [...new Set(objects.map(objectKey))];
      const began = cpuTime();
      translator.apply(objects.map((object) => ({ key: objectKey(object), object })));
      const held = read();
      const milliseconds = cpuTime() - began;
      const diagnostics = [...translator.diagnostics()];
      const wrong: string[] = [];
      for (const [type, name, value] of held) {
        if (known.has(value)) continue;
        known.add(value);
        try {
          encode(MESSAGES[type], value);
        } catch (error) {
          wrong.push(`${type} ${name}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
      translator.apply(keys.map((key) => ({ key, object: base.get(key) ?? null })));
      return { milliseconds, diagnostics, wrong };
    },
    analyze(objects) {
      const keys = new Set(objects.map(objectKey));
      try {
        const began = cpuTime();
        for (const object of objects) index.put(object);
        // What refers to an object is looked at too: the mesh is small.
        const diagnostics = analyze(index, { strict: true });
        return { milliseconds: cpuTime() - began, diagnostics };
      } finally {
        for (const key of keys) {
          const object = base.get(key);
          if (object) index.put(object);
          else index.remove(key);
        }
      }
    },
    isAsBefore: () => text() === before,
  };
}

function node(
  type: "sidecar" | "router",
  address: string,
  name: string,
  labels: Readonly<Record<string, string>>,
) {
  return {
    id: `${type}~${address}~${name}.default~default.svc.cluster.local`,
    metadata: {
      NAMESPACE: "default",
      LABELS: labels,
      SERVICE_ACCOUNT: "default",
      CLUSTER_ID: "c1",
    },
  };
}
