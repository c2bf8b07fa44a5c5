/** Istio's standard labels, and how a proxy comes by each of them in the three places where it counts. */
import { METADATA_NAMESPACE, type Peer } from "./peer.ts";

/** Whose word a count is: the client's proxy (`source`, gateways too) or the server's. */
export type Reporter = "source" | "destination";

/** `outbound`: requests that leave. `mutual_tls` and `plaintext`: requests that arrive, by how they came. */
export type Leg = "outbound" | "mutual_tls" | "plaintext";

/** A label's value: text, or a format of Envoy's that gives `-` or nothing where it does not know. */
export type Labels = Readonly<Record<string, string>>;

export const UNKNOWN = "unknown";

/** Where the inbound side keeps what the peer said of itself, inside `METADATA_NAMESPACE`. */
export const DOWNSTREAM_PEER_KEY = "downstream_peer";
/** Filter state of a TCP connection: namespace and workload from the peer's certificate. */
export const PEER_NAMESPACE_STATE = "heddle.peer.namespace";
export const PEER_WORKLOAD_STATE = "heddle.peer.workload";

export function reporterOf(leg: Leg): Reporter {
  return leg === "outbound" ? "source" : "destination";
}

/** Of requests and of connections alike; in the order of Istio's documentation. `peer` is the proxy's own workload. */
export function workloadLabels(leg: Leg, peer: Peer, layer: "http" | "tcp"): Labels {
  const own = (field: keyof Peer) => peer[field] || UNKNOWN;
  const source =
    leg === "outbound"
      ? own
      : leg === "mutual_tls"
        ? layer === "http"
          ? fromHeader
          : fromCertificate
        : () => UNKNOWN;
  const destination = leg === "outbound" ? fromEndpoint : own;
  return {
    reporter: reporterOf(leg),
    source_workload: source("workload"),
    source_workload_namespace: source("namespace"),
    source_principal: principal(leg, "source"),
    source_app: source("app"),
    source_version: source("version"),
    source_cluster: source("cluster"),
    source_canonical_service: source("canonicalService"),
    source_canonical_revision: source("canonicalRevision"),
    destination_workload: destination("workload"),
    destination_workload_namespace: destination("namespace"),
    destination_principal: principal(leg, "destination"),
    destination_app: destination("app"),
    destination_version: destination("version"),
    destination_cluster: destination("cluster"),
    destination_canonical_service: destination("canonicalService"),
    destination_canonical_revision: destination("canonicalRevision"),
    destination_service: ofService("service"),
    destination_service_name: ofService("serviceName"),
    destination_service_namespace: ofService("serviceNamespace"),
    connection_security_policy:
      leg === "outbound" ? UNKNOWN : leg === "mutual_tls" ? "mutual_tls" : "none",
  };
}

/** What the client's proxy wrote into the peer header, inside mutual TLS. */
function fromHeader(field: keyof Peer): string {
  return `%DYNAMIC_METADATA(${METADATA_NAMESPACE}:${DOWNSTREAM_PEER_KEY}:${field})%`;
}

/** A connection carries no header; its certificate names workload and namespace. */
function fromCertificate(field: keyof Peer): string {
  if (field === "namespace") return `%FILTER_STATE(${PEER_NAMESPACE_STATE}:PLAIN)%`;
  if (field === "workload") return `%FILTER_STATE(${PEER_WORKLOAD_STATE}:PLAIN)%`;
  return UNKNOWN;
}

/** What the control plane says of the endpoint that was chosen. */
function fromEndpoint(field: keyof Peer): string {
  return `%UPSTREAM_METADATA(${METADATA_NAMESPACE}:${field})%`;
}

function ofService(field: "service" | "serviceName" | "serviceNamespace"): string {
  return `%METADATA(CLUSTER:${METADATA_NAMESPACE}:${field})%`;
}

function principal(leg: Leg, side: "source" | "destination"): string {
  switch (leg) {
    case "outbound":
      return side === "source" ? "%UPSTREAM_LOCAL_URI_SAN%" : "%UPSTREAM_PEER_URI_SAN%";
    case "mutual_tls":
      return side === "source" ? "%DOWNSTREAM_PEER_URI_SAN%" : "%DOWNSTREAM_LOCAL_URI_SAN%";
    case "plaintext":
      return UNKNOWN;
  }
}
