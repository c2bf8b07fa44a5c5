/** Metric, span and log types; OTLP, Zipkin and Prometheus codecs; histograms and sketches. Pure. */

export * from "./codec-error.ts";
export * from "./delta/cumulative.ts";
export * from "./delta/open-connections.ts";
export * from "./delta/request-deltas.ts";
export * from "./delta/request-metrics.ts";
export * from "./delta/request-totals.ts";
export * from "./envoy/access-log.ts";
export * from "./envoy/response-flags.ts";
export * from "./histogram/explicit.ts";
export * from "./histogram/exponential.ts";
export * from "./histogram/sparse.ts";
export * from "./otlp/answer.ts";
export * from "./otlp/attribution.ts";
export type { Decoded } from "./otlp/decoded.ts";
export * from "./otlp/logs-json.ts";
export * from "./otlp/logs.ts";
export * from "./otlp/metrics-json.ts";
export * from "./otlp/metrics.ts";
export * from "./otlp/outline.ts";
export * from "./otlp/traces-json.ts";
export * from "./otlp/traces.ts";
export * from "./otlp/unproven-callers.ts";
export * from "./prometheus/merge.ts";
export * from "./prometheus/parse.ts";
export * from "./prometheus/write.ts";
export * from "./records.ts";
export * from "./zipkin/decode.ts";
