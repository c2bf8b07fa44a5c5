/** Which endpoints are reached by mutual TLS of the mesh unless a rule says otherwise. */
import type { WorkloadEndpoint } from "@heddle/model";
import type { ClusterContext } from "../cluster/feature.ts";

/** It has a proxy of the mesh in front of it, and nobody has told that proxy to take plain text only. */
export function takesMeshTls(
  { read, service }: ClusterContext,
  { mtls, namespace, labels, port }: WorkloadEndpoint,
): boolean {
  return (
    mtls && !service.external && read.peerAuthentication(namespace, labels, port) !== "DISABLE"
  );
}
