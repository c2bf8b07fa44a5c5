/** The container that a proxy runs in. */
import { PROXY_ID } from "./capture.ts";
import { identityMount } from "./identity.ts";
import type { Container, EnvironmentVariable, Handler, Resources, VolumeMount } from "./pod.ts";
import { HEALTH_PORT, PROMETHEUS_PORT } from "./proxy-bootstrap.ts";
import { podVariables } from "./variables.ts";

/** Istio's, which people's tools and customizations know. */
export const PROXY_CONTAINER = "istio-proxy";

export interface ProxyContainer {
  readonly type: "sidecar" | "router";
  readonly image: string;
  readonly imagePullPolicy?: string | undefined;
  /** For `--config-yaml`. */
  readonly bootstrap: string;
  /** 0: one thread for each core. */
  readonly concurrency: number | undefined;
  readonly logLevel: string;
  readonly componentLogLevel: string | undefined;
  readonly resources: Resources | undefined;
  readonly adminPort: number;
  /** Milliseconds. */
  readonly drainDuration: number;
  readonly readiness: ReadinessTiming;
  readonly mounts: readonly VolumeMount[];
  /** Further variables, for what EnvoyFilters or people look at. */
  readonly variables: readonly EnvironmentVariable[];
  /** An init container that goes on: what comes after it waits for its start. */
  readonly native: boolean;
  readonly postStart?: Handler | undefined;
  readonly preStop?: Handler | undefined;
}

/** Seconds and counts; as Kubernetes has them. */
export interface ReadinessTiming {
  readonly initialDelaySeconds: number;
  readonly periodSeconds: number;
  readonly failureThreshold: number;
}

/** Ten minutes, in seconds: an agent that is only just being installed. */
const START_TRIES = 600;

const READY = { path: "/healthz/ready", port: HEALTH_PORT, scheme: "HTTP" };

export function proxyContainer(options: ProxyContainer): Container {
  const { image, imagePullPolicy, native, postStart, preStop, readiness, resources } = options;
  return {
    name: PROXY_CONTAINER,
    image,
    ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    ...(native ? { restartPolicy: "Always" } : {}),
    // Images differ in what they run by themselves; all of them have this.
    command: ["/usr/local/bin/envoy"],
    args: argumentsOf(options),
    env: [...podVariables, ...options.variables],
    ports: [
      { name: "http-envoy-prom", containerPort: PROMETHEUS_PORT, protocol: "TCP" },
      ...(options.type === "router"
        ? [{ name: "status-port", containerPort: HEALTH_PORT, protocol: "TCP" }]
        : []),
    ],
    startupProbe: {
      httpGet: READY,
      periodSeconds: 1,
      timeoutSeconds: 3,
      failureThreshold: START_TRIES,
    },
    readinessProbe: { httpGet: READY, timeoutSeconds: 3, ...readiness },
    ...(postStart || preStop
      ? { lifecycle: { ...(postStart ? { postStart } : {}), ...(preStop ? { preStop } : {}) } }
      : {}),
    ...(resources ? { resources } : {}),
    securityContext: SECURITY,
    volumeMounts: [identityMount, ...options.mounts],
  };
}

function argumentsOf(options: ProxyContainer): readonly string[] {
  const { bootstrap, concurrency, componentLogLevel, logLevel, drainDuration } = options;
  return [
    "--config-yaml",
    bootstrap,
    ...(concurrency === undefined || concurrency === 0
      ? []
      : ["--concurrency", String(concurrency)]),
    "--log-level",
    logLevel,
    ...(componentLogLevel === undefined ? [] : ["--component-log-level", componentLogLevel]),
    "--drain-time-s",
    String(Math.ceil(drainDuration / 1000)),
    "--drain-strategy",
    "immediate",
    // Needs shared memory, and a second Envoy in the pod, which there never is.
    "--disable-hot-restart",
  ];
}

const SECURITY = {
  allowPrivilegeEscalation: false,
  privileged: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
  runAsUser: PROXY_ID,
  runAsGroup: PROXY_ID,
  runAsNonRoot: true,
};
