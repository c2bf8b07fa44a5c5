/** A probe as the health check that Envoy runs for it, with Istio's defaults for what the probe leaves out. */
import { isIP } from "node:net";
import type { HealthCheck, HealthCheck_HttpHealthCheck } from "@heddle/envoy/config/core/v3";
import type { ClusterHealthCheck } from "@heddle/envoy/service/health/v3";
import type { ReadinessProbe } from "@heddle/model";

/** In milliseconds. */
export interface ProbeTimes {
  readonly initialDelay: number;
  readonly timeout: number;
  readonly period: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** Zero is left out, as in Istio. */
export function timesOf(probe: ReadinessProbe): ProbeTimes {
  return {
    initialDelay: (probe.initialDelaySeconds ?? 0) * 1000,
    timeout: (probe.timeoutSeconds || 1) * 1000,
    period: (probe.periodSeconds || 10) * 1000,
    successThreshold: probe.successThreshold || 1,
    failureThreshold: probe.failureThreshold || 1,
  };
}

/** `own` is where the application listens that the probe is for. */
export function checkOf(name: string, probe: ReadinessProbe, own: string): ClusterHealthCheck {
  const { httpGet, tcpSocket, grpc } = probe;
  const { port = 0, host } = { ...grpc, ...tcpSocket, ...httpGet };
  return {
    clusterName: name,
    healthChecks: [{ ...pacing(probe), ...asking(probe, own) }],
    localityEndpoints: [
      {
        endpoints: [
          { address: { socketAddress: { address: dialed(host, own), portValue: port } } },
        ],
      },
    ],
    ...(httpGet?.scheme === "HTTPS" ? { transportSocketMatches: [ANY_CERTIFICATE] } : {}),
  };
}

/** Kubernetes' probes accept any certificate, and so do Istio's. */
const ANY_CERTIFICATE = {
  name: "tls",
  match: {},
  transportSocket: {
    name: "envoy.transport_sockets.tls",
    typedConfig: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
      commonTlsContext: {},
    },
  },
};

function pacing(probe: ReadinessProbe): HealthCheck {
  const { timeout, period, successThreshold, failureThreshold } = timesOf(probe);
  const interval = `${period / 1000}s`;
  return {
    timeout: `${timeout / 1000}s`,
    interval,
    // There are no requests to what is only checked: without these it would be asked once a minute.
    noTrafficInterval: interval,
    noTrafficHealthyInterval: interval,
    healthyThreshold: successThreshold,
    // Envoy takes an answer by gRPC that something does not serve at its word: whoever reads its reports waits instead.
    unhealthyThreshold: probe.grpc ? 1 : failureThreshold,
    // An application that takes no connections any more is not well, whatever it does with those it has.
    reuseConnection: false,
  };
}

function asking({ httpGet, grpc }: ReadinessProbe, own: string): HealthCheck {
  if (httpGet) return { httpHealthCheck: httpCheck(httpGet, own) };
  if (grpc) return { httpHealthCheck: grpcCheck(grpc, own) };
  return { tcpHealthCheck: {} };
}

function httpCheck(
  { path = "", port, host, httpHeaders = [] }: NonNullable<ReadinessProbe["httpGet"]>,
  own: string,
): HealthCheck_HttpHealthCheck {
  const authority = httpHeaders.find(({ name }) => name?.toLowerCase() === "host")?.value;
  const headers = httpHeaders.filter(({ name }) => name && name.toLowerCase() !== "host");
  const written = (path.startsWith("/") ? path : `/${path}`).replace(/[^!-~]/gu, encodeURI);
  return {
    path: written,
    host: authority || authorityOf(host || own, port),
    ...(headers.length > 0
      ? { requestHeadersToAdd: headers.map(({ name = "", value = "" }) => header(name, value)) }
      : {}),
    expectedStatuses: [{ start: "200", end: "400" }],
    // Any other status would count at once, whatever the threshold.
    retriableStatuses: [{ start: "100", end: "600" }],
  };
}

/**
 * gRPC's own health checks as the HTTP/2 that they are (grpc.health.v1.Health/Check, asked for a service, answered by
 * SERVING): Envoy runs its check of that kind for clusters alone that are known to speak HTTP/2, which these cannot say.
 */
function grpcCheck(
  { port = 0, service = "" }: NonNullable<ReadinessProbe["grpc"]>,
  own: string,
): HealthCheck_HttpHealthCheck {
  const name = Buffer.from(service);
  const message =
    name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
  return {
    path: "/grpc.health.v1.Health/Check",
    host: authorityOf(own, port),
    method: "POST",
    codecClientType: "HTTP2",
    requestHeadersToAdd: [header("content-type", "application/grpc"), header("te", "trailers")],
    send: { text: framed(message).toString("hex") },
    receive: [{ text: framed(SERVING).toString("hex") }],
  };
}

/** `status: SERVING`, of a HealthCheckResponse. */
const SERVING = Buffer.from([0x08, 1]);

/** A message as gRPC sends it: not compressed, and its length. */
function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

function authorityOf(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function header(key: string, value: string) {
  return {
    header: { key, value },
    // Envoy's own `user-agent` stands there already.
    appendAction:
      key.toLowerCase() === "user-agent"
        ? ("OVERWRITE_IF_EXISTS_OR_ADD" as const)
        : ("APPEND_IF_EXISTS_OR_ADD" as const),
    keepEmptyValue: true,
  };
}

/** Envoy dials addresses only; a name is the machine's own, and is in the request. */
function dialed(host: string | undefined, own: string): string {
  return host && isIP(host) ? host : own;
}
