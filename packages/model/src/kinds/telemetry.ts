/** Telemetry of telemetry.istio.io: traces, metrics and access logs of workloads. */
import type { PolicyTarget } from "./policy-target.ts";

export interface Telemetry extends PolicyTarget {
  readonly tracing?: readonly Tracing[];
  readonly metrics?: readonly TelemetryMetrics[];
  readonly accessLogging?: readonly AccessLogging[];
}

export type WorkloadMode = "CLIENT_AND_SERVER" | "CLIENT" | "SERVER";

/** By the name of one of the mesh's extension providers. */
export interface ProviderRef {
  readonly name: string;
}

export interface Tracing {
  readonly match?: { readonly mode?: WorkloadMode };
  readonly providers?: readonly ProviderRef[];
  /** 0 to 100. */
  readonly randomSamplingPercentage?: number;
  readonly disableSpanReporting?: boolean;
  readonly disableContextPropagation?: boolean;
  readonly customTags?: Readonly<Record<string, CustomTag>>;
  readonly useRequestIdForTraceSampling?: boolean;
  readonly enableIstioTags?: boolean;
}

/** At most one of the four. */
export interface CustomTag {
  readonly literal?: { readonly value: string };
  readonly environment?: { readonly name: string; readonly defaultValue?: string };
  readonly header?: { readonly name: string; readonly defaultValue?: string };
  readonly formatter?: { readonly value: string };
}

export interface TelemetryMetrics {
  readonly providers?: readonly ProviderRef[];
  readonly overrides?: readonly MetricsOverride[];
  /** How often the bytes of TCP connections that go on are told. */
  readonly reportingInterval?: string;
}

export interface MetricsOverride {
  readonly match?: MetricSelector;
  readonly disabled?: boolean;
  readonly tagOverrides?: Readonly<Record<string, TagOverride>>;
}

/** At most one of metric and customMetric. */
export interface MetricSelector {
  readonly metric?: IstioMetric;
  readonly customMetric?: string;
  readonly mode?: WorkloadMode;
}

export type IstioMetric =
  | "ALL_METRICS"
  | "REQUEST_COUNT"
  | "REQUEST_DURATION"
  | "REQUEST_SIZE"
  | "RESPONSE_SIZE"
  | "TCP_OPENED_CONNECTIONS"
  | "TCP_CLOSED_CONNECTIONS"
  | "TCP_SENT_BYTES"
  | "TCP_RECEIVED_BYTES"
  | "GRPC_REQUEST_MESSAGES"
  | "GRPC_RESPONSE_MESSAGES";

export interface TagOverride {
  /** UPSERT where it is left out. */
  readonly operation?: "UPSERT" | "REMOVE";
  /** A CEL expression over Envoy's attributes. */
  readonly value?: string;
}

export interface AccessLogging {
  readonly match?: { readonly mode?: WorkloadMode };
  readonly providers?: readonly ProviderRef[];
  readonly disabled?: boolean;
  /** A CEL expression: what it is true for is logged. */
  readonly filter?: { readonly expression?: string };
}
