/** What one label set did over a range, and what its labels say about it. */

import { isUnreached, splitFlags, type Bucket, type RequestLabels } from "@heddle/telemetry";

export interface SeriesTotals {
  /** The series' number in the store. */
  id: number;
  labels: RequestLabels;
  requests: number;
  durations: number;
  durationSum: number;
  requestBytes: number;
  responseBytes: number;
  opened: number;
  closed: number;
  received: number;
  sent: number;
  /** Requests by how long they took, milliseconds. */
  latency: readonly Bucket[];
}

export function isTcp(labels: RequestLabels): boolean {
  return labels.request_protocol === "tcp";
}

/**
 * A request failed if it was answered with 5xx, or not at all and its client had not left, or if its gRPC status is not 0. Of TCP no
 * connection counts as failed unless a flag says that it reached nobody.
 */
export function isError(labels: RequestLabels): boolean {
  if (isTcp(labels)) return isUnreached(labels.response_flags);
  const code = Number(labels.response_code);
  if (code >= 500) return true;
  if (code === 0) return !splitFlags(labels.response_flags).includes("DC");
  const grpc = labels.grpc_response_status;
  return (
    labels.request_protocol === "grpc" &&
    grpc !== "" &&
    grpc !== "0" &&
    grpc !== "-" &&
    grpc !== "unknown"
  );
}

/** The label's value, or empty where the proxy did not know. */
export function known(value: string): string {
  return value === "unknown" || value === "-" ? "" : value;
}

/** Requests of HTTP and gRPC, connections of TCP. */
export function amountOf(totals: SeriesTotals): number {
  return isTcp(totals.labels) ? totals.opened : totals.requests;
}

export function bytesOf(totals: SeriesTotals): number {
  return totals.requestBytes + totals.responseBytes + totals.received + totals.sent;
}
