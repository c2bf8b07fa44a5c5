/** The bootstrap of a proxy in a pod, as the argument of `--config-yaml`: what only the pod will know stands there as variables. */
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import { bootstrap } from "@heddle/translate";
import { IDENTITY_FOLDER } from "./identity.ts";
import type { RewrittenProbes } from "./probes.ts";
import type { InjectionOptions } from "./settings.ts";
import {
  asArgument,
  NODE_NAME,
  POD_IP,
  POD_IPS,
  POD_NAME,
  POD_NAMESPACE,
  SERVICE_ACCOUNT,
} from "./variables.ts";

export const HEALTH_PORT = 15021;
export const PROMETHEUS_PORT = 15090;
export const ADMIN_PORT = 15000;
const LOOPBACK = "127.0.0.1";

/** Variables of this prefix are the node's metadata, under the rest of their names. */
const META = "ISTIO_META_";

export interface PodProxy {
  readonly type: "sidecar" | "router";
  readonly labels: Readonly<Record<string, string>>;
  /** What telemetry calls the workload; the pod's own name where nobody knows. */
  readonly workload?: string;
  readonly interception: "REDIRECT" | "NONE";
  /** By name and value, `ISTIO_META_…` and others. */
  readonly variables: Readonly<Record<string, string>>;
  readonly adminPort: number;
  readonly probes?: RewrittenProbes;
  readonly clusterDomain: string;
}

export function proxyBootstrap(
  proxy: PodProxy,
  { agent, clusterId }: Pick<InjectionOptions, "agent" | "clusterId">,
): string {
  const { type, labels, workload, interception, variables, adminPort, clusterDomain } = proxy;
  // A name that is whole needs none of the search domains that a pod may have been given.
  const whole = agent.host.endsWith(".svc") ? `${agent.host}.${clusterDomain}` : agent.host;
  const secured =
    agent.security === "tls"
      ? { security: { serverName: agent.host, folder: IDENTITY_FOLDER } }
      : {};
  const made = bootstrap({
    node: {
      id: `${type}~${POD_IP}~${POD_NAME}.${POD_NAMESPACE}~${POD_NAMESPACE}.svc.${clusterDomain}`,
      cluster: `${labels["app"] ?? workload ?? POD_NAME}.${POD_NAMESPACE}`,
      metadata: {
        ...metadataOf(variables),
        ...(workload === undefined ? {} : { WORKLOAD_NAME: workload }),
        NODE_NAME,
        NAMESPACE: POD_NAMESPACE,
        LABELS: { ...labels },
        SERVICE_ACCOUNT,
        CLUSTER_ID: clusterId,
        INSTANCE_IPS: POD_IPS,
        INTERCEPTION_MODE: interception,
      },
    },
    xds: { address: whole, port: agent.xdsPort, ...secured },
    otlp: { address: whole, port: agent.otlpPort, ...secured },
    admin: { address: LOOPBACK, port: adminPort },
    prometheus: { address: POD_IP, port: PROMETHEUS_PORT },
    health: { address: POD_IP, port: HEALTH_PORT },
  });
  return asArgument(JSON.stringify(withProbes(made, proxy.probes)));
}

function metadataOf(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables)
      .filter(([name]) => name.startsWith(META))
      .map(([name, value]) => [name.slice(META.length), value]),
  );
}

function withProbes(made: Bootstrap, probes: RewrittenProbes | undefined): Bootstrap {
  if (probes?.listener === undefined) return made;
  const { listeners = [], clusters = [], ...rest } = made.staticResources ?? {};
  return {
    ...made,
    staticResources: {
      ...rest,
      listeners: [...listeners, probes.listener],
      clusters: [...clusters, ...probes.clusters],
    },
  };
}
