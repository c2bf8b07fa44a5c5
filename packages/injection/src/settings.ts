/** What injection is told by whoever runs it: of the mesh, of the cluster, and of the images. */
import type { MeshObject, ProxyConfig } from "@heddle/model";
import type { PodTemplate, Resources } from "./pod.ts";
import type { InjectionPolicy } from "./policy.ts";
import type { ProxySettings } from "./proxy-settings.ts";

/** The parts of a mesh's settings that a proxy's start depends on. */
export interface InjectionMesh {
  readonly rootNamespace: string;
  readonly clusterDomain: string;
  /** Of every proxy, where nothing else is said. */
  readonly proxies?: ProxySettings;
}

export interface InjectionOptions extends InjectionPolicy {
  readonly clusterId: string;
  readonly agent: AgentAddress;
  /** The minor version of the cluster's Kubernetes: native sidecars are there from 1.29 on, waiting hooks from 1.30 on. */
  readonly kubernetesMinor: number;
  /** Stock Envoy. */
  readonly proxyImage: string;
  /** Any that has `sh`, `iptables-restore` and, where there is IPv6, `ip6tables-restore` and `ip`. */
  readonly initImage: string;
  readonly imagePullPolicy?: string;
  readonly imagePullSecrets?: readonly string[];
  readonly resources?: Resources;
  /** Further templates by name, and what `sidecar` and `gateway` are laid over with; values are pods in part. */
  readonly templates?: Readonly<Record<string, PodTemplate>>;
  /** Whether iptables are set up by something else, such as a network plugin: no init container then. */
  readonly captureElsewhere?: boolean;
}

export interface AgentAddress {
  /** A name that the cluster resolves; also what the agent's certificate is for. */
  readonly host: string;
  readonly xdsPort: number;
  readonly otlpPort: number;
  /** Of both ports. plaintext: an agent that serves without TLS believes every proxy. */
  readonly security: "tls" | "plaintext";
}

export type ProxyConfigs = readonly MeshObject<ProxyConfig>[];

/** The revision that an installation has which names none. */
export const DEFAULT_REVISION = "default";

export const defaultOptions: InjectionOptions = {
  revision: DEFAULT_REVISION,
  isDefault: true,
  clusterId: "Kubernetes",
  agent: {
    host: "heddle-agent.heddle-system.svc",
    xdsPort: 15012,
    otlpPort: 15013,
    security: "tls",
  },
  kubernetesMinor: 34,
  proxyImage: "envoyproxy/envoy:v1.40.0",
  initImage: "heddle/capture:v0.1.0",
  // What Istio requests for its proxies.
  resources: {
    requests: { cpu: "100m", memory: "128Mi" },
    limits: { cpu: "2", memory: "1Gi" },
  },
};
