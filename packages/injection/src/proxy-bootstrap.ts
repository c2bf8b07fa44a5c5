/**
 * The bootstrap of a proxy. Of one in a pod it is the argument of `--config-yaml`, and what only the pod will know stands there as
 * variables; a machine has a file of its own.
 */
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import { bootstrap } from "@heddle/translate";
import { IDENTITY_FOLDER } from "./identity.ts";
import type { RewrittenProbes } from "./probes.ts";
import type { AgentAddress, InjectionOptions } from "./settings.ts";
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

/** What tells one proxy from others. */
export interface ProxyIdentity {
  readonly name: string;
  readonly namespace: string;
  readonly ip: string;
  /** All of its addresses, by commas. */
  readonly ips: string;
  readonly serviceAccount: string;
  /** Of its own alone, as metadata of the node. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Where its token and the agent's roots are. */
  readonly folder: string;
}

const ANY_POD: ProxyIdentity = {
  name: POD_NAME,
  namespace: POD_NAMESPACE,
  ip: POD_IP,
  ips: POD_IPS,
  serviceAccount: SERVICE_ACCOUNT,
  metadata: { NODE_NAME },
  folder: IDENTITY_FOLDER,
};

export function proxyBootstrap(
  proxy: PodProxy,
  { agent, clusterId }: Pick<InjectionOptions, "agent" | "clusterId">,
): string {
  const { clusterDomain } = proxy;
  // A name that is whole needs none of the search domains that a pod may have been given.
  const whole = agent.host.endsWith(".svc") ? `${agent.host}.${clusterDomain}` : agent.host;
  const made = bootstrapOf(proxy, ANY_POD, { ...agent, address: whole }, clusterId);
  return asArgument(JSON.stringify(withProbes(made, proxy.probes)));
}

/** `agent.address`: what is dialed, where the certificate is for `agent.host`. */
export function bootstrapOf(
  proxy: Omit<PodProxy, "probes">,
  own: ProxyIdentity,
  agent: AgentAddress & { readonly address: string },
  clusterId: string,
  healthChecks = false,
): Bootstrap {
  const { type, labels, workload, interception, variables, adminPort, clusterDomain } = proxy;
  const { name, namespace, ip, ips, serviceAccount, metadata, folder } = own;
  const { address, host, xdsPort, otlpPort } = agent;
  const secured = agent.security === "tls" ? { security: { serverName: host, folder } } : {};
  return bootstrap({
    node: {
      id: `${type}~${ip}~${name}.${namespace}~${namespace}.svc.${clusterDomain}`,
      cluster: `${labels["app"] ?? workload ?? name}.${namespace}`,
      metadata: {
        ...metadataOf(variables),
        ...(workload === undefined ? {} : { WORKLOAD_NAME: workload }),
        ...metadata,
        NAMESPACE: namespace,
        LABELS: { ...labels },
        SERVICE_ACCOUNT: serviceAccount,
        CLUSTER_ID: clusterId,
        INSTANCE_IPS: ips,
        INTERCEPTION_MODE: interception,
        ...(type === "sidecar" ? { HEDDLE_ON_DEMAND: "true" } : {}),
      },
    },
    xds: { address, port: xdsPort, ...secured },
    otlp: { address, port: otlpPort, ...secured },
    admin: { address: LOOPBACK, port: adminPort },
    prometheus: { address: ip, port: PROMETHEUS_PORT },
    health: { address: ip, port: HEALTH_PORT },
    ...(healthChecks ? { healthChecks } : {}),
  });
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
