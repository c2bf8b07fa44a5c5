/** What an agent's telemetry is given. */

import type { RedactionPolicy } from "@heddle/telemetry";

/** A proxy to scrape. */
export interface ScrapeTarget {
  /** `pod.namespace` */
  readonly name: string;
  /** The proxy's address; with `:port` where its Prometheus listener is not at 15090. */
  readonly address: string;
}

export interface TelemetrySettings {
  /**
   * Where proxies send spans and access logs, OTLP over gRPC in the clear: `127.0.0.1:4317`; port 0 takes a free one. Whoever sends is
   * believed. Without it nothing listens.
   */
  readonly otlpAddress?: string | undefined;
  /** The same by TLS, for pods that present their tokens. */
  readonly otlpTlsAddress?: string | undefined;
  /** Where Prometheus scrapes: `0.0.0.0:15014`; without it nothing listens. */
  readonly metricsAddress?: string | undefined;
  /** The plane's address, `https://plane.example`; without it telemetry is only exposed, and what is received is dropped. */
  readonly plane?: string | undefined;
  readonly token?: string | undefined;
  /** The mesh, where the token opens several. */
  readonly mesh?: string | undefined;
  /** Where batches wait for the plane. */
  readonly spoolDir: string;
  /** Bytes that may wait on disk; then the oldest are dropped and counted. 256 MiB unless told. */
  readonly spoolBytes?: number | undefined;
  /** Milliseconds between two scrapes of a proxy; 5,000 unless told. */
  readonly scrapeIntervalMs?: number | undefined;
  /** Milliseconds that records wait for company before they are sent; 1,000 unless told. */
  readonly batchMs?: number | undefined;
}

/** What logs and spans do not say outside of the cluster. Another object for other rules. */
export interface RedactionSettings {
  readonly policy: RedactionPolicy;
  /** The key of hashes: with another one equal values become other hashes. */
  readonly key: string;
}

export const defaults = {
  spoolBytes: 256 * 1024 * 1024,
  scrapeIntervalMs: 5000,
  batchMs: 1000,
  /** Envoy's Prometheus listener. */
  scrapePort: 15090,
} as const;

export interface TelemetryPorts {
  readonly otlp: number | undefined;
  readonly otlpTls: number | undefined;
  readonly metrics: number | undefined;
}

export type LogLevel = "info" | "warn" | "error";
export type Log = (
  level: LogLevel,
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

/** `host:port`, the host perhaps in brackets. Throws an Error that says what is wrong. */
export function parseAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (!match || port > 65_535)
    throw new Error(
      `HDL5201: ${JSON.stringify(address)} is not an address to listen on; give host:port, such as 127.0.0.1:4317.`,
    );
  return { host: match[1] ?? (match[2] || "0.0.0.0"), port };
}
