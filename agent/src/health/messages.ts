/** Messages of Envoy's health discovery service (envoy.service.health.v3). */
import { decode, encode } from "@heddle/envoy";
import type {
  ClusterHealthCheck,
  HealthCheckRequestOrEndpointHealthResponse,
  HealthCheckSpecifier,
} from "@heddle/envoy/service/health/v3";
import type { XdsNode } from "@heddle/translate";

const SAID = "envoy.service.health.v3.HealthCheckRequestOrEndpointHealthResponse";
const ASKED = "envoy.service.health.v3.HealthCheckSpecifier";

/** How often Envoy reports. */
const REPORT = "0.500s";

export interface Said {
  /** Who it is, in the first message of a stream. */
  readonly node: XdsNode | undefined;
  /** Whether what goes by a name is healthy. */
  readonly reports: ReadonlyMap<string, boolean>;
}

/** Throws a `ValueError` for bytes that are no such message. */
export function readSaid(bytes: Uint8Array): Said {
  const { healthCheckRequest, endpointHealthResponse } = decode(
    SAID,
    bytes,
  ) as HealthCheckRequestOrEndpointHealthResponse;
  const reports = new Map<string, boolean>();
  for (const cluster of endpointHealthResponse?.clusterEndpointsHealth ?? []) {
    const [endpoint] = (cluster.localityEndpointsHealth ?? []).flatMap(
      ({ endpointsHealth = [] }) => endpointsHealth,
    );
    if (endpoint) reports.set(cluster.clusterName ?? "", endpoint.healthStatus === "HEALTHY");
  }
  return { node: healthCheckRequest?.node, reports };
}

export function writeAsked(checks: readonly ClusterHealthCheck[]): Uint8Array {
  const specifier: HealthCheckSpecifier = { clusterHealthChecks: checks, interval: REPORT };
  return encode(ASKED, specifier);
}
