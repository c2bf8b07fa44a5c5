/** What somebody who installs Heddle in a cluster may choose: the values of `heddle install` and of the Helm chart. */
import { z } from "zod";
import { server } from "../plane/values.ts";
import {
  anything,
  imageAccess,
  PLANE_IMAGE,
  podMarks,
  podPlacement,
  quantities,
  secretKey,
  strings,
  text,
  tokenSecret,
} from "./value-parts.ts";

/** A revision is a part of names and the value of a label. */
const revision = text.regex(/^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$/);
const autoscaling = (on: boolean, min: number, max: number) =>
  z
    .strictObject({
      enabled: z.boolean().default(on),
      minReplicas: z.int().min(1).default(min),
      maxReplicas: z.int().min(1).default(max),
      /** Percent of the CPU that is requested. */
      targetCpuPercent: z.int().min(1).default(80),
    })
    .prefault({});

const disruptionBudget = z.strictObject({ enabled: z.boolean().default(true) }).prefault({});
/** Of a proxy, as Istio has it. */
const proxyResources = quantities.prefault({
  requests: { cpu: "100m", memory: "128Mi" },
  limits: { cpu: "2", memory: "1Gi" },
});

const images = z.strictObject({
  ...imageAccess,
  agent: text.min(1).default("heddle/agent:v0.1.0"),
  capture: text.min(1).default("heddle/capture:v0.1.0"),
  /** Stock Envoy. */
  proxy: text.min(1).default("envoyproxy/envoy:v1.40.0"),
  plane: text.min(1).default(PLANE_IMAGE),
});

const plane = z.strictObject({
  /** Of the hosted plane; without one the agent stands alone, on what is in the cluster. */
  url: text.default(""),
  /** The mesh to join; the token's own without it. */
  mesh: text.default(""),
  /** The Secret, in the agent's namespace, that holds the token. */
  tokenSecret,
  /** Whether a plane is installed beside the agent, which joins it, where `url` names none. */
  install: z.boolean().default(false),
  /** Of a plane that is installed: what its own chart has beside `images`, `mesh` and `tokenSecret`. */
  server: z.strictObject(server).prefault({}),
});

const mesh = z.strictObject({
  trustDomain: text.min(1).default("cluster.local"),
  rootNamespace: text.min(1).default("istio-system"),
  /** What the cluster is called in metrics and among endpoints. */
  clusterId: text.default("Kubernetes"),
  /** The network of the cluster's pods, where several clusters share a mesh; empty: clusters reach each other's pods directly. */
  network: text.default(""),
  clusterDomain: text.min(1).default("cluster.local"),
});

const agent = z.strictObject({
  /** Without it the agent runs elsewhere, at `remote.address`. */
  enabled: z.boolean().default(true),
  replicas: z.int().min(0).default(2),
  ...podPlacement,
  resources: quantities.prefault({
    requests: { cpu: "200m", memory: "256Mi" },
    limits: { memory: "1Gi" },
  }),
  /** Serves xDS without TLS at 15010 too, and takes OTLP at 4317, where every proxy is believed: for trying things out. */
  plaintext: z.boolean().default(false),
  /** The Secret with the key of the hashes that redaction puts in the place of values, the same for all agents of a mesh. */
  redactionKey: secretKey(text.default(""), "redaction-key"),
  /** Of workloads, where there is a plane. */
  certificates: z
    .strictObject({
      /** Who signs them: the agent, with an intermediate of the plane's; or the plane, so that no authority's key is in the cluster. */
      issuer: z.enum(["agent", "plane"]).default("agent"),
      /** How long each lives. */
      lifetime: text.min(1).default("24h"),
    })
    .prefault({}),
  autoscaling: autoscaling(false, 2, 5),
  disruptionBudget,
});

const port = z.int().min(1).max(65_535);
const servicePort = z.strictObject({
  /** Istio's names say what is spoken there: http2, https, tcp-mysql. */
  name: text.min(1),
  port,
  /** Where the proxy listens; the same number without it. */
  targetPort: port.optional(),
  nodePort: port.optional(),
  protocol: z.enum(["TCP", "UDP"]).optional(),
});
const PORTS = [
  { name: "status-port", port: 15_021 },
  { name: "http2", port: 80 },
  { name: "https", port: 443 },
];
const gateway = (on: boolean, type: "LoadBalancer" | "ClusterIP") =>
  z
    .strictObject({
      enabled: z.boolean().default(on),
      replicas: z.int().min(0).default(2),
      resources: proxyResources,
      autoscaling: autoscaling(false, 2, 5),
      disruptionBudget,
      ...podMarks,
      service: z
        .strictObject({
          type: z.enum(["LoadBalancer", "NodePort", "ClusterIP"]).default(type),
          annotations: strings.default({}),
          ports: z.array(servicePort).min(1).default(PORTS),
          /** Which address of a load balancer is asked for, and who may come to it. */
          loadBalancerIP: text.default(""),
          loadBalancerSourceRanges: z.array(text).default([]),
          externalTrafficPolicy: z.enum(["", "Cluster", "Local"]).default(""),
        })
        .prefault({}),
    })
    .prefault({});

/** Those that Istio's users know, called as there. */
const gateways = z.strictObject({
  ingress: gateway(true, "LoadBalancer"),
  egress: gateway(false, "ClusterIP"),
});

const injection = z.strictObject({
  enabled: z.boolean().default(true),
  /** What becomes of pods that are to be injected while no agent answers. */
  failurePolicy: z.enum(["Fail", "Ignore"]).default("Fail"),
  /** Of the proxy in each pod. */
  resources: proxyResources,
  /** Of every proxy, where nothing else is said: what Istio's MeshConfig has as `defaultConfig`. */
  proxies: anything.default({}),
  /** Pods in part by name: further templates, and what `sidecar` and `gateway` are laid over with. */
  templates: anything.default({}),
  /** Something else, such as a network plugin, leads pods' traffic to their proxies. */
  captureElsewhere: z.boolean().default(false),
});

const crds = z.strictObject({
  install: z.boolean().default(true),
  /** Whether Helm leaves them, and everybody's objects of them, when the release is uninstalled. */
  keep: z.boolean().default(true),
});

export const PROFILES = ["default", "demo", "minimal", "remote"] as const;

export const valuesSchema = z.strictObject({
  /** What the other values are where nothing is said. */
  profile: z.enum(PROFILES).default("default"),
  revision: revision.default("default"),
  /** Whether it also stands for what names no revision; without a word, whether it is called default. */
  isDefault: z.boolean().optional(),
  images: images.prefault({}),
  plane: plane.prefault({}),
  mesh: mesh.prefault({}),
  agent: agent.prefault({}),
  injection: injection.prefault({}),
  gateways: gateways.prefault({}),
  validation: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
  /** Of an agent outside of the cluster: the name that its certificate is for. */
  remote: z.strictObject({ address: text.default("") }).prefault({}),
  crds: crds.prefault({}),
});

export type Values = z.output<typeof valuesSchema>;
/** As they are written: everything may be left out. */
export type GivenValues = z.input<typeof valuesSchema>;

/** Of values as they are written, for editors and for Helm: JSON Schema, draft 7. */
export function valuesJsonSchema(): { readonly properties?: object } {
  return z.toJSONSchema(valuesSchema, { io: "input", target: "draft-7" });
}
