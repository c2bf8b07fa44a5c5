/** Words that fields of text may hold. */

export const HTTP_METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "CONNECT",
  "OPTIONS",
  "TRACE",
  "*",
]);

/** https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
export const GRPC_STATUS: ReadonlyMap<string, number> = new Map(
  [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
  ].map((name, code) => [name, code]),
);

// x-envoy-retry-on and x-envoy-retry-grpc-on of Envoy's router; unknown words are only logged there.
const RETRY_ON: ReadonlySet<string> = new Set([
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "retriable-headers",
  "envoy-ratelimited",
  "http3-post-connect-failure",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
]);

/** Statuses that have a name, from the registry of HTTP status codes, as `first-last`. */
const STATUSES = [
  [100, 103],
  [200, 208],
  [226, 226],
  [300, 305],
  [307, 308],
  [400, 418],
  [421, 426],
  [428, 429],
  [431, 431],
  [451, 451],
  [500, 508],
  [510, 511],
] as const;

/** A condition's name or an HTTP status code. */
export function isRetryCondition(word: string): boolean {
  if (RETRY_ON.has(word)) return true;
  const status = /^\d+$/.test(word) ? Number(word) : 0;
  return STATUSES.some(([first, last]) => status >= first && status <= last);
}

/** What may stand among cipher suites: their names, `ALL`, and signs that BoringSSL puts before them. */
export function isCipherSuite(suite: string): boolean {
  return suite === "" || suite === "ALL" || /^[^A-Za-z0-9]/.test(suite) || CIPHER_SUITES.has(suite);
}

/** TLS 1.2 cipher suites that Envoy's BoringSSL knows, by OpenSSL's names. */
const CIPHER_SUITES: ReadonlySet<string> = new Set([
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-PSK-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-SHA",
  "ECDHE-RSA-AES128-SHA",
  "ECDHE-PSK-AES128-CBC-SHA",
  "AES128-GCM-SHA256",
  "AES128-SHA",
  "PSK-AES128-CBC-SHA",
  "ECDHE-ECDSA-AES256-SHA",
  "ECDHE-RSA-AES256-SHA",
  "ECDHE-PSK-AES256-CBC-SHA",
  "AES256-GCM-SHA384",
  "AES256-SHA",
  "PSK-AES256-CBC-SHA",
  "DES-CBC3-SHA",
]);

/** Names that Envoy's filters had before version 3 of its API, which Istio still understands in matches. */
export const OLD_FILTER_NAMES: ReadonlyMap<string, string> = new Map([
  ["envoy.buffer", "envoy.filters.http.buffer"],
  ["envoy.cors", "envoy.filters.http.cors"],
  ["envoy.csrf", "envoy.filters.http.csrf"],
  ["envoy.http_dynamo_filter", "envoy.filters.http.dynamo"],
  ["envoy.ext_authz", "envoy.filters.http.ext_authz"],
  ["envoy.fault", "envoy.filters.http.fault"],
  ["envoy.grpc_http1_bridge", "envoy.filters.http.grpc_http1_bridge"],
  ["envoy.grpc_json_transcoder", "envoy.filters.http.grpc_json_transcoder"],
  ["envoy.grpc_web", "envoy.filters.http.grpc_web"],
  ["envoy.gzip", "envoy.filters.http.gzip"],
  ["envoy.health_check", "envoy.filters.http.health_check"],
  ["envoy.ip_tagging", "envoy.filters.http.ip_tagging"],
  ["envoy.lua", "envoy.filters.http.lua"],
  ["envoy.rate_limit", "envoy.filters.http.ratelimit"],
  ["envoy.router", "envoy.filters.http.router"],
  ["envoy.squash", "envoy.filters.http.squash"],
  ["envoy.listener.http_inspector", "envoy.filters.listener.http_inspector"],
  ["envoy.listener.original_dst", "envoy.filters.listener.original_dst"],
  ["envoy.listener.original_src", "envoy.filters.listener.original_src"],
  ["envoy.listener.proxy_protocol", "envoy.filters.listener.proxy_protocol"],
  ["envoy.listener.tls_inspector", "envoy.filters.listener.tls_inspector"],
  ["envoy.client_ssl_auth", "envoy.filters.network.client_ssl_auth"],
  ["envoy.http_connection_manager", "envoy.filters.network.http_connection_manager"],
  ["envoy.mongo_proxy", "envoy.filters.network.mongo_proxy"],
  ["envoy.ratelimit", "envoy.filters.network.ratelimit"],
  ["envoy.redis_proxy", "envoy.filters.network.redis_proxy"],
  ["envoy.tcp_proxy", "envoy.filters.network.tcp_proxy"],
]);
