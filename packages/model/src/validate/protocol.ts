/** Names of protocols that ports of rules may have: whole words, in either case. */

const KNOWN: ReadonlySet<string> = new Set([
  "TCP",
  "UDP",
  "GRPC",
  "GRPC-WEB",
  "HTTP",
  "HTTP_PROXY",
  "HTTP2",
  "HTTPS",
  "TLS",
  "MONGO",
  "REDIS",
  "MYSQL",
]);
const HTTP: ReadonlySet<string> = new Set(["HTTP", "HTTP2", "HTTP_PROXY", "GRPC", "GRPC-WEB"]);

export function isKnownProtocol(name: string): boolean {
  return KNOWN.has(name.toUpperCase());
}

export function isHttpProtocol(name: string): boolean {
  return HTTP.has(name.toUpperCase());
}

export function isTlsProtocol(name: string): boolean {
  return name.toUpperCase() === "HTTPS" || name.toUpperCase() === "TLS";
}

export const PROTOCOLS: string = [...KNOWN].join(", ");
