/** How proxies tell of TCP connections that go on: the contract between their configuration and whoever merges their scrapes. */

/**
 * Gauges, each with the connection's number in `heddle_connection`. `labels` is one for each connection with the labels of its
 * bytes, empty for `unknown`, and in `heddle_bytes` which bytes these are: `received`, `sent` or `both`; of several the one with the
 * greatest value counts. The others have the number alone, since labels are most of what a gauge costs, and are zero once the bytes
 * are in the counters.
 */
export const OPEN_CONNECTION = {
  labels: "istio_tcp_connection_open",
  received: "istio_tcp_received_bytes_open",
  sent: "istio_tcp_sent_bytes_open",
} as const;

/** Connections of one listener that are told of while they go on; the others count at their end. */
export const MAX_OPEN_CONNECTIONS = 1000;
