/** How many connections and requests a cluster may have under way, and how a connection is made and kept. */
import type {
  CircuitBreakers_Thresholds,
  Cluster,
  UpstreamConnectionOptions,
} from "@heddle/envoy/config/cluster/v3";
import {
  type ConnectionPoolSettings,
  parseDuration,
  protoDuration,
  type RetryBudget,
  type TCPSettings,
} from "@heddle/model";
import type { ClusterFeature } from "./feature.ts";

/** No limit: Envoy's own are 1,024 connections, pending requests and requests, and 3 retries, which surprise people. */
const UNLIMITED = 4_294_967_295;

const CONNECT_TIMEOUT = "10s";

/** One value for the many clusters that nobody has limited. */
const NO_LIMITS: Cluster = {
  connectTimeout: CONNECT_TIMEOUT,
  circuitBreakers: {
    thresholds: [
      {
        maxConnections: UNLIMITED,
        maxPendingRequests: UNLIMITED,
        maxRequests: UNLIMITED,
        maxRetries: UNLIMITED,
        trackRemaining: true,
      },
    ],
  },
};

export const connectionPool: ClusterFeature = {
  name: "connection pool",
  apply(cluster, { policy }) {
    return { ...cluster, ...poolLimits(policy.connectionPool, policy.retryBudget) };
  },
};

/** Connections and requests that a cluster may have under way; no limits where nothing is said. */
export function poolLimits(
  pool: ConnectionPoolSettings | undefined,
  retryBudget: RetryBudget | undefined,
): Pick<Cluster, "connectTimeout" | "circuitBreakers" | "upstreamConnectionOptions"> {
  if (pool === undefined && retryBudget === undefined) return NO_LIMITS;
  const { tcp = {}, http = {} } = pool ?? {};
  const thresholds: CircuitBreakers_Thresholds = {
    // Istio cannot tell a limit of 0 from none.
    maxConnections: tcp.maxConnections || UNLIMITED,
    maxPendingRequests: http.http1MaxPendingRequests || UNLIMITED,
    maxRequests: http.http2MaxRequests || UNLIMITED,
    maxRetries: http.maxRetries || UNLIMITED,
    trackRemaining: true,
    ...(retryBudget === undefined ? {} : { retryBudget: budget(retryBudget) }),
  };
  return {
    connectTimeout: tcp.connectTimeout ? protoDuration(tcp.connectTimeout) : CONNECT_TIMEOUT,
    circuitBreakers: { thresholds: [thresholds] },
    ...keepalive(tcp),
  };
}

function budget(settings: RetryBudget): NonNullable<CircuitBreakers_Thresholds["retryBudget"]> {
  const { percent, minRetryConcurrency, budgetInterval } = settings;
  return {
    ...(percent === undefined ? {} : { budgetPercent: { value: percent } }),
    ...(minRetryConcurrency ? { minRetryConcurrency } : {}),
    ...(budgetInterval === undefined ? {} : { budgetInterval: protoDuration(budgetInterval) }),
  };
}

function keepalive({ tcpKeepalive }: TCPSettings): Pick<Cluster, "upstreamConnectionOptions"> {
  if (tcpKeepalive === undefined) return {};
  const { probes, time, interval } = tcpKeepalive;
  const options: UpstreamConnectionOptions = {
    tcpKeepalive: {
      ...(probes === undefined ? {} : { keepaliveProbes: probes }),
      ...(time === undefined ? {} : { keepaliveTime: seconds(time) }),
      ...(interval === undefined ? {} : { keepaliveInterval: seconds(interval) }),
    },
  };
  return { upstreamConnectionOptions: options };
}

/** The kernel counts these in whole seconds and refuses 0. */
function seconds(duration: string): number {
  return Math.max(1, Math.round(parseDuration(duration) / 1000));
}
