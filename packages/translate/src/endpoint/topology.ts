/** Labels that say where a workload runs, known of it whether or not its pod carries them. */
import type { WorkloadEndpoint } from "@heddle/model";

const REGION_LABEL = "topology.kubernetes.io/region";
const ZONE_LABEL = "topology.kubernetes.io/zone";
const SUBZONE_LABEL = "topology.istio.io/subzone";
const CLUSTER_LABEL = "topology.istio.io/cluster";
export const NODE_LABEL = "kubernetes.io/hostname";
export const NETWORK_LABEL = "topology.istio.io/network";

type Workload = Pick<WorkloadEndpoint, "labels" | "locality" | "clusterId" | "nodeName">;

/** Empty where nothing is known: Istio compares a label that is missing as one without a value. */
export function labelOf(workload: Workload, name: string): string {
  const { labels, locality, clusterId, nodeName } = workload;
  const label = labels[name] ?? "";
  switch (name) {
    case REGION_LABEL:
      return locality?.region || label;
    case ZONE_LABEL:
      return locality?.zone || label;
    case SUBZONE_LABEL:
      return locality?.subzone || label;
    case CLUSTER_LABEL:
      return clusterId || label;
    case NODE_LABEL:
      return nodeName || label;
    default:
      return label;
  }
}
