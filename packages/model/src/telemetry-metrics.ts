/** The service metrics that proxies count, as Telemetry names them and as Prometheus does. */
import type { IstioMetric } from "./kinds/telemetry.ts";

/** Not the messages of gRPC: Envoy knows how many there were, but gives both numbers as one text, which cannot be counted. */
export type CountedMetric = Exclude<
  IstioMetric,
  "ALL_METRICS" | "GRPC_REQUEST_MESSAGES" | "GRPC_RESPONSE_MESSAGES"
>;

export const METRIC_NAMES: Readonly<Record<CountedMetric, string>> = {
  REQUEST_COUNT: "istio_requests_total",
  REQUEST_DURATION: "istio_request_duration_milliseconds",
  REQUEST_SIZE: "istio_request_bytes",
  RESPONSE_SIZE: "istio_response_bytes",
  TCP_OPENED_CONNECTIONS: "istio_tcp_connections_opened_total",
  TCP_CLOSED_CONNECTIONS: "istio_tcp_connections_closed_total",
  TCP_SENT_BYTES: "istio_tcp_sent_bytes_total",
  TCP_RECEIVED_BYTES: "istio_tcp_received_bytes_total",
};

const BY_NAME = new Map(
  Object.entries(METRIC_NAMES).map(([metric, name]) => [name, metric as CountedMetric]),
);

/** The metric of a name as `customMetric` has it, with Istio's prefix or without; undefined for one that nobody counts. */
export function metricNamed(name: string): CountedMetric | undefined {
  return BY_NAME.get(name) ?? BY_NAME.get(`istio_${name}`);
}
