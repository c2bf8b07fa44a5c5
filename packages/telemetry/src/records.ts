/** What telemetry is inside Heddle, whatever it arrived as: spans, log records, metric points and request points, flat and ready to store. */

export type AttributeValue = string | number | boolean;
/** Nested values and arrays are kept as their JSON text. */
export type Attributes = Record<string, AttributeValue>;

export type SpanKind = "internal" | "server" | "client" | "producer" | "consumer";
export type SpanStatus = "unset" | "ok" | "error";

export interface SpanEvent {
  name: string;
  /** Nanoseconds since the span's start. */
  offsetNs: number;
  attributes: Attributes;
}

export interface SpanLink {
  traceId: string;
  spanId: string;
  attributes: Attributes;
}

export interface SpanRecord {
  /** 32 and 16 lower-case hexadecimal digits. */
  traceId: string;
  spanId: string;
  /** Empty for a root. */
  parentSpanId: string;
  service: string;
  operation: string;
  kind: SpanKind;
  /** Nanoseconds since 1970. */
  startNs: bigint;
  durationNs: number;
  status: SpanStatus;
  statusMessage: string;
  attributes: Attributes;
  /** Shared by all spans of one resource: do not change. */
  resource: Attributes;
  events: SpanEvent[];
  links: SpanLink[];
}

export interface LogRecord {
  /** Nanoseconds since 1970. */
  timeNs: bigint;
  severity: string;
  body: string;
  traceId: string;
  spanId: string;
  attributes: Attributes;
  /** Shared by all records of one resource: do not change. */
  resource: Attributes;
}

/** Counts in buckets: `counts[i]` lies in (`bounds[i-1]`, `bounds[i]`], and the last one above every bound. Not cumulative. */
export interface ExplicitHistogram {
  bounds: readonly number[];
  counts: readonly number[];
  count: number;
  sum: number;
}

/** OpenTelemetry's exponential histogram, base 2^(2^-scale); bucket `offset + i` holds (base^(offset+i), base^(offset+i+1)]. */
export interface ExponentialHistogram {
  scale: number;
  zeroCount: number;
  positive: { offset: number; counts: readonly number[] };
  negative: { offset: number; counts: readonly number[] };
  count: number;
  sum: number;
}

export type Temporality = "delta" | "cumulative";

export type MetricValue =
  | { type: "gauge"; value: number }
  | { type: "sum"; value: number; monotonic: boolean; temporality: Temporality }
  | { type: "histogram"; histogram: ExplicitHistogram; temporality: Temporality }
  | { type: "exponential"; histogram: ExponentialHistogram; temporality: Temporality }
  | {
      type: "summary";
      count: number;
      sum: number;
      quantiles: { quantile: number; value: number }[];
    };

export interface MetricPoint {
  name: string;
  unit: string;
  /** Nanoseconds since 1970; the start is 0 where it was not told. */
  startNs: bigint;
  timeNs: bigint;
  attributes: Attributes;
  /** Shared by all points of one resource: do not change. */
  resource: Attributes;
  value: MetricValue;
}

/** The labels of Istio's standard metrics, https://istio.io/latest/docs/reference/config/metrics/, in its order. */
export const requestLabels = [
  "reporter",
  "source_workload",
  "source_workload_namespace",
  "source_principal",
  "source_app",
  "source_version",
  "source_cluster",
  "source_canonical_service",
  "source_canonical_revision",
  "destination_workload",
  "destination_workload_namespace",
  "destination_principal",
  "destination_app",
  "destination_version",
  "destination_cluster",
  "destination_service",
  "destination_service_name",
  "destination_service_namespace",
  "destination_canonical_service",
  "destination_canonical_revision",
  "request_protocol",
  "response_code",
  "grpc_response_status",
  "response_flags",
  "connection_security_policy",
] as const;

export type RequestLabel = (typeof requestLabels)[number];
export type RequestLabels = Record<RequestLabel, string>;

/** What the requests of one label set did in one step: increments, never totals. */
export interface RequestPoint {
  /** End of the step, milliseconds since 1970. */
  time: number;
  labels: RequestLabels;
  requests: number;
  /** Milliseconds; absent where the step saw no histogram. */
  duration?: ExplicitHistogram;
  requestBytes: number;
  responseBytes: number;
  /** TCP: connections opened and closed, bytes received and sent. */
  opened: number;
  closed: number;
  received: number;
  sent: number;
}
