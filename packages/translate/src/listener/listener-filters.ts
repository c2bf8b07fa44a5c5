/** Filters that look at a connection before a filter chain is chosen. */
import type { ListenerFilter } from "@heddle/envoy/config/listener/v3";
import { extension } from "../typed-config.ts";

/** Finds out where the connection was going before iptables led it here. */
export const ORIGINAL_DESTINATION: ListenerFilter = extension(
  "envoy.filters.listener.original_dst",
  "envoy.extensions.filters.listener.original_dst.v3.OriginalDst",
  {},
);

/** Sees whether it speaks TLS, for which name, and offering which protocols. */
export const TLS_INSPECTOR: ListenerFilter = extension(
  "envoy.filters.listener.tls_inspector",
  "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
  {},
);

/** Sees whether it speaks HTTP. A client that waits for the server to speak first is let through after the time-out. */
export const HTTP_INSPECTOR: ListenerFilter = extension(
  "envoy.filters.listener.http_inspector",
  "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
  {},
);

/** What `HTTP_INSPECTOR` reports of HTTP in the clear. */
export const PLAIN_HTTP = ["http/1.0", "http/1.1", "h2c"] as const;

/** The filter without connections to these ports. */
export function exceptAt(ports: readonly number[], filter: ListenerFilter): ListenerFilter {
  const rules = [...new Set(ports)]
    .toSorted((a, b) => a - b)
    .map((port) => ({ destinationPortRange: { start: port, end: port + 1 } }));
  const [only] = rules;
  if (only === undefined) return filter;
  // Envoy wants two rules at least where one of several is to match.
  return { ...filter, filterDisabled: rules.length === 1 ? only : { orMatch: { rules } } };
}
