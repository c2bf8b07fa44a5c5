/** Where a cluster leads, as far as the control plane knows. */
import type { ClusterLoadAssignment } from "@heddle/envoy/config/endpoint/v3";
import type { Cluster } from "@heddle/envoy/config/cluster/v3";

/**
 * The addresses of a load assignment, or of a cluster's by its name for EDS; undefined for a cluster that is led by each
 * connection itself. Clusters that resolve names lead out of the mesh.
 */
export function reachedBy(
  cluster: unknown,
  assignment: (name: string | undefined) => unknown,
): ReadonlySet<string> | undefined {
  const { type, edsClusterConfig } = (cluster ?? { type: "EDS" }) as Cluster;
  if (type === "ORIGINAL_DST") return undefined;
  if (type !== "EDS") return new Set();
  const found = assignment(edsClusterConfig?.serviceName || undefined);
  const { endpoints = [] } = (found ?? {}) as ClusterLoadAssignment;
  return new Set(
    endpoints.flatMap(({ lbEndpoints = [] }) =>
      lbEndpoints.flatMap(({ endpoint }) => endpoint?.address?.socketAddress?.address ?? []),
    ),
  );
}
