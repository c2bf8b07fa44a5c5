/** The shapes of telemetry answers that are more than one entity of `types.ts`. Times, rates and latencies are as there. */

import type {
  Graph,
  GraphEdge,
  LogLine,
  ServiceSummary,
  Span,
  TraceSummary,
  WorkloadSummary,
} from "./types.ts";

/** What a graph's nodes stand for. */
export type GraphView = "workload" | "app" | "service";

/** `GET /v1/meshes/{mesh}/services` */
export interface ServiceList {
  from: string;
  to: string;
  /** Length of one element of the sparkline series. */
  stepMs: number;
  items: ServiceSummary[];
}

/** `GET /v1/meshes/{mesh}/services/{host}` */
export interface ServicePage {
  from: string;
  to: string;
  stepMs: number;
  service: ServiceSummary;
  /** Edges that end at the service's workloads, and those that start there. */
  inbound: GraphEdge[];
  outbound: GraphEdge[];
  /** The nodes that these edges name. */
  nodes: Graph["nodes"];
  /** Requests by response code class and by response flag, as the service's own side counted them. */
  codes: Record<string, number>;
  flags: Record<string, number>;
}

/** `GET /v1/meshes/{mesh}/workloads` */
export interface WorkloadList {
  from: string;
  to: string;
  items: WorkloadSummary[];
}

export type MutualTlsMode = "DISABLE" | "PERMISSIVE" | "STRICT";

/** `GET /v1/meshes/{mesh}/mtls` */
export interface MutualTlsStatus {
  from: string;
  to: string;
  namespaces: NamespaceMutualTls[];
}

export interface NamespaceMutualTls {
  namespace: string;
  workloads: {
    name: string;
    /** What its sidecars take, as PeerAuthentication has it; null where no agent says. */
    mode: MutualTlsMode | null;
    /** The workload's own ports where it is another mode. */
    ports: Record<string, MutualTlsMode>;
    /** That came in the range; connections of TCP count as one each. */
    requests: number;
    /** Of these, those without mutual TLS. */
    plaintext: number;
  }[];
  /** Who came without an identity, as access logs have it; most requests first. */
  callers: PlaintextCaller[];
}

export interface PlaintextCaller {
  /** Whoever had the address that it came from, which proves nothing; null where nobody in the mesh's clusters had it. */
  source: { namespace: string; name: string } | null;
  /** One of its addresses; empty where no access log has any. */
  address: string;
  destination: { namespace: string; name: string };
  requests: number;
  lastSeen: string;
}

/** `GET /v1/meshes/{mesh}/traces` */
export interface TraceList {
  from: string;
  to: string;
  items: TraceSummary[];
  /** Names to filter by, seen in the range. */
  services: string[];
}

/** `GET /v1/meshes/{mesh}/traces/{id}` */
export interface TraceDetail {
  traceId: string;
  start: string;
  durationMs: number;
  /** By start, parents before children. */
  spans: Span[];
}

/** `GET /v1/meshes/{mesh}/logs`, newest first. */
export interface LogList {
  from: string;
  to: string;
  items: LogLine[];
}

/**
 * A metric's name in `GET /v1/meshes/{mesh}/series`: golden signals of the mesh's requests, or the name of any metric that was sent.
 * `rate` and `errors` are per second, `error_rate` 0 to 1, `p50`, `p95`, `p99` milliseconds, `bytes` bytes per second.
 */
export type GoldenMetric = "rate" | "errors" | "error_rate" | "p50" | "p95" | "p99" | "bytes";

/** `GET /v1/meshes/{mesh}/series` */
export interface SeriesResult {
  metric: string;
  from: string;
  to: string;
  stepMs: number;
  series: {
    /** The value of the label asked for with `by`; empty for the whole. */
    labels: Record<string, string>;
    /** One value a step, the first step starting at `from`; null where nothing was seen. */
    values: (number | null)[];
  }[];
}
