/** The port behind which telemetry is kept: what is written, what is asked, and the promises that every store keeps. */

import type { LogEntry, MetricPoint, RequestPoint, SpanRecord } from "@heddle/telemetry";
import type {
  Golden,
  GraphEdge,
  GraphNode,
  GraphView,
  LogLine,
  SeriesResult,
  Span,
  TraceSummary,
} from "@heddle/client";

/** Whose telemetry: no query and no write ever reaches beyond it. */
export interface TelemetryScope {
  readonly tenant: string;
  readonly mesh: string;
}

/** From and to in milliseconds since 1970; `to` is exclusive. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/** Rows of one delivery. They are stored all or none. */
export interface TelemetryBatch {
  readonly requests?: readonly RequestPoint[];
  readonly metrics?: readonly MetricPoint[];
  readonly spans?: readonly SpanRecord[];
  readonly logs?: readonly LogEntry[];
}

/**
 * A sender's place in its own stream of batches. A sender delivers in order, so a number that is not above the newest stored one of its
 * stream was stored before.
 */
export interface BatchId {
  readonly stream: string;
  readonly number: number;
}

export interface WriteResult {
  /** False where the batch had been stored before. */
  readonly stored: boolean;
}

export interface GraphQuery extends TimeRange {
  readonly view: GraphView;
  readonly namespace?: string;
  /** Only the edges that touch this service host. */
  readonly service?: string;
}

export interface TraceQuery extends TimeRange {
  readonly service?: string;
  readonly operation?: string;
  readonly minDurationMs?: number;
  readonly maxDurationMs?: number;
  readonly status?: "ok" | "error";
  /** Attribute values that one span of the trace must all have. */
  readonly attributes?: Readonly<Record<string, string>>;
  readonly limit: number;
}

export interface LogQuery extends TimeRange {
  readonly service?: string;
  /** Text that body or path contains, in any case. */
  readonly text?: string;
  /** `5xx`, `404` and the like. */
  readonly status?: string;
  /** One response flag that the line must carry. */
  readonly flags?: string;
  readonly traceId?: string;
  /** `x-request-id`. */
  readonly requestId?: string;
  /** Of the destination, `namespace/name`. */
  readonly workload?: string;
  /** Only what a policy, a check or the want of a valid token has refused. */
  readonly refused?: boolean;
  readonly limit: number;
}

export interface SeriesQuery extends TimeRange {
  readonly metric: string;
  readonly stepMs: number;
  readonly service?: string;
  /** One of the label columns of requests, or any label of another metric. */
  readonly by?: string;
}

/** Golden signals of one service or workload, with their course over the range. */
export interface TrafficSummary {
  readonly golden: Golden;
  readonly rateSeries: number[];
  readonly errorSeries: number[];
  readonly p95Series: number[];
}

export interface ServiceTraffic extends TrafficSummary {
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
  readonly codes: Record<string, number>;
  readonly flags: Record<string, number>;
}

export interface WorkloadTraffic {
  readonly name: string;
  readonly namespace: string;
  readonly app: string;
  readonly version: string;
  readonly principal: string;
  /** Hosts of the services that it was called by. */
  readonly hosts: string[];
  readonly golden: Golden;
}

/** What came to a workload: requests, and connections of TCP. */
export interface Arrivals {
  readonly namespace: string;
  readonly name: string;
  readonly requests: number;
  /** Of these, those without mutual TLS. */
  readonly plaintext: number;
}

/** Somebody who called a workload without an identity, as access logs have it. */
export interface UnprovenCaller {
  readonly destination: { readonly namespace: string; readonly name: string };
  /** Whoever had the address; empty where nobody knew. */
  readonly source: { readonly namespace: string; readonly name: string };
  /** One of the addresses that it called from. */
  readonly address: string;
  readonly requests: number;
  /** Milliseconds since 1970. */
  readonly lastSeen: number;
}

export interface StoreStatus {
  readonly spans: number;
  readonly logs: number;
  readonly requests: number;
  readonly metrics: number;
  readonly bytesOnDisk: number;
}

/**
 * A store of telemetry. `write` resolves when the rows would survive the process's death; a batch with an id is stored exactly once, also
 * when it is sent twice at the same time.
 */
export interface TelemetryStore {
  write(scope: TelemetryScope, batch: TelemetryBatch, id?: BatchId): Promise<WriteResult>;
  graph(
    scope: TelemetryScope,
    query: GraphQuery,
  ): Promise<{ nodes: GraphNode[]; edges: GraphEdge[] }>;
  services(
    scope: TelemetryScope,
    range: TimeRange,
    stepMs: number,
    host?: string,
  ): Promise<ServiceTraffic[]>;
  workloads(scope: TelemetryScope, range: TimeRange): Promise<WorkloadTraffic[]>;
  series(scope: TelemetryScope, query: SeriesQuery): Promise<SeriesResult["series"]>;
  traces(scope: TelemetryScope, query: TraceQuery): Promise<TraceSummary[]>;
  /** Empty where the trace is not known. */
  trace(scope: TelemetryScope, traceId: string): Promise<Span[]>;
  /** Services that sent spans in the range, and one service's operations. */
  traceServices(scope: TelemetryScope, range: TimeRange): Promise<string[]>;
  traceOperations(
    scope: TelemetryScope,
    range: TimeRange,
    service: string,
  ): Promise<{ name: string; kind: Span["kind"] }[]>;
  logs(scope: TelemetryScope, query: LogQuery): Promise<LogLine[]>;
  arrivals(scope: TelemetryScope, range: TimeRange): Promise<Arrivals[]>;
  /** Those with the most requests first, no more than a thousand. */
  unprovenCallers(scope: TelemetryScope, range: TimeRange): Promise<UnprovenCaller[]>;
  /** Drops what is older than its retention; resolves with the number of rows dropped. */
  expire(now: number): Promise<number>;
  status(): Promise<StoreStatus>;
  close(): Promise<void>;
}
