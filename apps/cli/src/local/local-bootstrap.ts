/** The bootstrap of an Envoy that stands for one pod's sidecar, or for the gateway, on this machine. */
import { bootstrap } from "@heddle/translate";
import { HTTP_PROXY_PORT, SIDE_PORTS } from "./demo-addresses.ts";
import type { LocalPod } from "./pods.ts";

export interface LocalBootstrapOptions {
  readonly type: "sidecar" | "router";
  /** Where admin, statistics and health listen. */
  readonly sidePorts: string;
  readonly xds: { readonly address: string; readonly port: number };
  readonly otlp: { readonly address: string; readonly port: number };
}

export function localBootstrap(
  pod: LocalPod,
  { type, sidePorts, xds, otlp }: LocalBootstrapOptions,
): unknown {
  return bootstrap({
    node: {
      id: `${type}~${pod.address}~${pod.name}.${pod.namespace}~${pod.namespace}.svc.cluster.local`,
      cluster: `${pod.labels["app"] ?? pod.workload}.${pod.namespace}`,
      metadata: {
        NAMESPACE: pod.namespace,
        LABELS: { ...pod.labels },
        SERVICE_ACCOUNT: pod.serviceAccount,
        CLUSTER_ID: "local",
        INSTANCE_IPS: pod.address,
        INTERCEPTION_MODE: "NONE",
        HEDDLE_ON_DEMAND: "true",
        HEDDLE_STATS_ADDRESS: `${sidePorts}:${SIDE_PORTS.prometheus}`,
        ...(type === "sidecar"
          ? { HTTP_PROXY_PORT: String(HTTP_PROXY_PORT), APP_ADDRESS: pod.appAddress }
          : {}),
      },
    },
    xds,
    otlp,
    admin: { address: sidePorts, port: SIDE_PORTS.admin },
    prometheus: { address: sidePorts, port: SIDE_PORTS.prometheus },
    health: { address: sidePorts, port: SIDE_PORTS.health },
  });
}
