/**
 * Probes of an application whose ports are the proxy's: kubelet has no identity in the mesh, so it asks a listener of the proxy
 * that lets through these very questions and nothing else. HTTP is passed on. What kubelet itself would find out by connecting, or
 * by gRPC's health protocol, the proxy finds out by checks of its own, and answers by HTTP: kubelet would only ever see that the
 * proxy is there.
 */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import type { HealthCheck as HealthCheckConfig } from "@heddle/envoy/config/core/v3";
import type { Listener } from "@heddle/envoy/config/listener/v3";
import type { HealthCheck } from "@heddle/envoy/extensions/filters/http/health_check/v3";
import type { HttpConnectionManager } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import { isIpAddress } from "@heddle/model";
import { extension, typedConfig } from "@heddle/translate";
import type { Report } from "./finding.ts";
import type { Container, Handler, HttpGet, Probe } from "./pod.ts";
import { POD_IP } from "./variables.ts";

/** Where the proxy answers, as Istio's does. */
export const PROBE_PORT = 15020;

/** Which probe or hook of a container; the words of the path are Istio's. */
const PROBES = {
  readinessProbe: "readyz",
  livenessProbe: "livez",
  startupProbe: "startupz",
} as const;
const HOOKS = { postStart: "poststartz", preStop: "prestopz" } as const;

/** Kubernetes' own defaults, seconds. */
const DEFAULT_TIMEOUT = 1;
const DEFAULT_PERIOD = 10;
/** While the application does not answer, seconds: it is not to wait for long once it does. */
const RETRY = 1;
/** The proxy connects to its own pod from here, which iptables leaves alone; the second one where the pod has IPv6 alone. */
const INBOUND_SOURCE = {
  sourceAddress: { address: "127.0.0.6", portValue: 0 },
  extraSourceAddresses: [{ address: { address: "::6", portValue: 0 } }],
};

/** A question that the proxy answers. */
interface Question {
  readonly path: string;
  /** Begins as the names of those whose statistics are kept: the filter for checks counts by them. */
  readonly cluster: string;
  readonly handler: Handler;
  readonly port: number;
  /** Seconds. */
  readonly timeout: number;
  readonly period: number;
}

export interface RewrittenProbes {
  readonly containers: readonly Container[];
  /** Undefined where there is nothing to answer. */
  readonly listener?: Listener;
  readonly clusters: readonly Cluster[];
}

/** Probes that run a command in the container stay as they are. */
export function rewriteProbes(
  containers: readonly Container[],
  { port, application }: { readonly port: number; readonly application: "pod" | "loopback" },
  report: Report,
): RewrittenProbes {
  const questions: Question[] = [];
  const rewritten = containers.map((container) =>
    rewriteContainer(container, port, questions, report),
  );
  if (questions.length === 0) return { containers, clusters: [] };
  return {
    containers: rewritten,
    listener: listenerFor(questions, port),
    clusters: questions.map((question) => clusterFor(question, application)),
  };
}

function rewriteContainer(
  container: Container,
  port: number,
  questions: Question[],
  report: Report,
): Container {
  const asked = <T extends Handler>(handler: T | undefined, path: string): T | undefined => {
    const question = handler && questionOf(container, handler, path, report);
    if (handler === undefined || question === undefined) return handler;
    questions.push(question);
    const { tcpSocket: _, grpc: __, ...rest } = handler;
    const { httpHeaders } = handler.httpGet ?? {};
    const httpGet: HttpGet = {
      path,
      port,
      scheme: "HTTP",
      ...(httpHeaders ? { httpHeaders } : {}),
    };
    return { ...rest, httpGet } as unknown as T;
  };
  const probes = Object.entries(PROBES).flatMap(([field, word]) => {
    const probe = container[field] as Probe | undefined;
    return probe === undefined
      ? []
      : [[field, asked(probe, `/app-health/${container.name}/${word}`)]];
  });
  const hooks = Object.entries(HOOKS).flatMap(([field, word]) => {
    const hook = container.lifecycle?.[field as keyof typeof HOOKS];
    // A hook that connects is one that Kubernetes itself does not run any more.
    if (hook?.httpGet === undefined) return [];
    return [[field, asked(hook, `/app-lifecycle/${container.name}/${word}`)]];
  });
  return {
    ...container,
    ...Object.fromEntries(probes),
    ...(hooks.length > 0
      ? { lifecycle: { ...container.lifecycle, ...Object.fromEntries(hooks) } }
      : {}),
  };
}

function questionOf(
  container: Container,
  handler: Handler & Pick<Probe, "timeoutSeconds" | "periodSeconds">,
  path: string,
  report: Report,
): Question | undefined {
  const target = handler.httpGet ?? handler.tcpSocket ?? handler.grpc;
  if (target === undefined) return undefined;
  const port =
    typeof target.port === "number"
      ? target.port
      : (container.ports?.find(({ name }) => name === target.port)?.containerPort ??
        Number(target.port));
  if (!Number.isInteger(port) || port <= 0 || port > 65_535) {
    report({
      code: "HDL6005",
      level: "Warning",
      message: `container ${container.name} has no port ${JSON.stringify(target.port)} that a probe asks for`,
      path: "spec.containers",
      remedy: "Give the port's number, or name a port of this container.",
    });
    return undefined;
  }
  return {
    path,
    cluster: `heddle-probe${path}`,
    handler,
    port,
    timeout: handler.timeoutSeconds ?? DEFAULT_TIMEOUT,
    period: handler.periodSeconds ?? DEFAULT_PERIOD,
  };
}

const seconds = (count: number): string => `${count}s`;

function listenerFor(questions: readonly Question[], port: number): Listener {
  const passedOn = questions.filter(({ handler }) => handler.httpGet !== undefined);
  const checked = questions.filter(({ handler }) => handler.httpGet === undefined);
  const manager: HttpConnectionManager = {
    statPrefix: "probes",
    // The application is asked as kubelet asks: no trace begins here, and nothing tells of a proxy between.
    generateRequestId: false,
    appendXForwardedPort: false,
    serverHeaderTransformation: "PASS_THROUGH",
    routeConfig: {
      virtualHosts: [
        {
          name: "probes",
          domains: ["*"],
          routes: passedOn.map(({ path, cluster, handler, timeout }) => ({
            match: {
              path,
              headers: [{ name: ":method", stringMatch: { exact: "GET" } }],
            },
            route: {
              cluster,
              timeout: seconds(timeout),
              prefixRewrite: pathOf(handler.httpGet?.path),
            },
          })),
        },
      ],
    },
    httpFilters: [
      ...checked.map(({ path, cluster }) =>
        extension<HealthCheck>(
          "envoy.filters.http.health_check",
          "envoy.extensions.filters.http.health_check.v3.HealthCheck",
          {
            passThroughMode: false,
            headers: [{ name: ":path", stringMatch: { exact: path } }],
            clusterMinHealthyPercentages: { [cluster]: { value: 100 } },
          },
        ),
      ),
      extension("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router", {
        suppressEnvoyHeaders: true,
      }),
    ],
  };
  return {
    name: "probes",
    address: { socketAddress: { address: POD_IP, portValue: port } },
    ignoreGlobalConnLimit: true,
    filterChains: [
      {
        filters: [
          extension(
            "envoy.filters.network.http_connection_manager",
            "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            manager,
          ),
        ],
      },
    ],
  };
}

/** kubelet asks for `/` where no path is given, and puts a slash in front of one without. */
function pathOf(path = ""): string {
  return path.startsWith("/") ? path : `/${path}`;
}

function clusterFor(
  { cluster, handler, port, timeout, period }: Question,
  application: "pod" | "loopback",
): Cluster {
  const host = handler.httpGet?.host ?? handler.tcpSocket?.host;
  const own = host === undefined || host === "";
  const inPod = own && application === "pod";
  const address = own ? (inPod ? POD_IP : "127.0.0.1") : host;
  const check = healthCheck(handler, timeout, period);
  return {
    name: cluster,
    type: own || isIpAddress(address) ? "STATIC" : "STRICT_DNS",
    connectTimeout: seconds(timeout),
    loadAssignment: {
      clusterName: cluster,
      endpoints: [
        {
          lbEndpoints: [{ endpoint: { address: { socketAddress: { address, portValue: port } } } }],
        },
      ],
    },
    ...(inPod ? { upstreamBindConfig: INBOUND_SOURCE } : {}),
    // One probe a connection, as kubelet does it.
    ...(handler.httpGet ? { typedExtensionProtocolOptions: ONE_REQUEST } : {}),
    ...(handler.grpc ? { typedExtensionProtocolOptions: HTTP2 } : {}),
    // Whatever certificate is shown will do: kubelet does not look at it either.
    ...(handler.httpGet?.scheme === "HTTPS" ? { transportSocket: ANY_TLS } : {}),
    ...(check ? { healthChecks: [check] } : {}),
  };
}

const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const ONE_REQUEST = {
  [HTTP_OPTIONS]: typedConfig(HTTP_OPTIONS, {
    commonHttpProtocolOptions: { maxRequestsPerConnection: 1 },
    explicitHttpConfig: { httpProtocolOptions: {} },
  }),
};
const HTTP2 = {
  [HTTP_OPTIONS]: typedConfig(HTTP_OPTIONS, { explicitHttpConfig: { http2ProtocolOptions: {} } }),
};
const ANY_TLS = extension(
  "envoy.transport_sockets.tls",
  "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
  { commonTlsContext: { tlsParams: { tlsMaximumProtocolVersion: "TLSv1_3" } } },
);

function healthCheck(
  { tcpSocket, grpc }: Handler,
  timeout: number,
  period: number,
): HealthCheckConfig | undefined {
  if (tcpSocket === undefined && grpc === undefined) return undefined;
  return {
    timeout: seconds(timeout),
    interval: seconds(period),
    unhealthyInterval: seconds(RETRY),
    // Nothing but the check itself goes there.
    noTrafficInterval: seconds(RETRY),
    noTrafficHealthyInterval: seconds(period),
    // kubelet counts failures itself.
    healthyThreshold: 1,
    unhealthyThreshold: 1,
    reuseConnection: false,
    ...(tcpSocket ? { tcpHealthCheck: {} } : {}),
    ...(grpc ? { grpcHealthCheck: { serviceName: grpc.service ?? "" } } : {}),
  };
}
