/** The service metrics that proxies count, as Telemetry names them and as Prometheus does. */
import type { IstioMetric } from "./kinds/telemetry.ts";

export type CountedMetric = Exclude<IstioMetric, "ALL_METRICS">;

export const METRIC_NAMES: Readonly<Record<CountedMetric, string>> = {
  REQUEST_COUNT: "istio_requests_total",
  REQUEST_DURATION: "istio_request_duration_milliseconds",
  REQUEST_SIZE: "istio_request_bytes",
  RESPONSE_SIZE: "istio_response_bytes",
  GRPC_REQUEST_MESSAGES: "istio_request_messages_total",
  GRPC_RESPONSE_MESSAGES: "istio_response_messages_total",
  TCP_OPENED_CONNECTIONS: "istio_tcp_connections_opened_total",
  TCP_CLOSED_CONNECTIONS: "istio_tcp_connections_closed_total",
  TCP_SENT_BYTES: "istio_tcp_sent_bytes_total",
  TCP_RECEIVED_BYTES: "istio_tcp_received_bytes_total",
};

/**
 * Counted only where a Telemetry names them. Envoy gives the messages of a call as one text of bytes, and taking the two
 * numbers out of it costs a proxy memory for each listener, which nobody should pay who never looks at them.
 */
export const COUNTED_WHEN_NAMED: ReadonlySet<CountedMetric> = new Set<CountedMetric>([
  "GRPC_REQUEST_MESSAGES",
  "GRPC_RESPONSE_MESSAGES",
]);

const BY_NAME = new Map(
  Object.entries(METRIC_NAMES).map(([metric, name]) => [name, metric as CountedMetric]),
);

/** The metric of a name as `customMetric` has it, with Istio's prefix or without; undefined for one that nobody counts. */
export function metricNamed(name: string): CountedMetric | undefined {
  return BY_NAME.get(name) ?? BY_NAME.get(`istio_${name}`);
}
