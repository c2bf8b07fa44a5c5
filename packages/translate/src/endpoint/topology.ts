/** Labels that say where a workload runs, known of it whether or not its pod carries them. */
import type { ServiceModel, WorkloadEndpoint } from "@heddle/model";

const REGION_LABEL = "topology.kubernetes.io/region";
const ZONE_LABEL = "topology.kubernetes.io/zone";
const SUBZONE_LABEL = "topology.istio.io/subzone";
const CLUSTER_LABEL = "topology.istio.io/cluster";
export const NODE_LABEL = "kubernetes.io/hostname";
export const NETWORK_LABEL = "topology.istio.io/network";

/** Those that a pod's node decides. */
export const PLACE_LABELS: ReadonlySet<string> = new Set([
  REGION_LABEL,
  ZONE_LABEL,
  SUBZONE_LABEL,
  NODE_LABEL,
]);

type Workload = Pick<
  WorkloadEndpoint,
  "labels" | "locality" | "clusterId" | "nodeName" | "network"
>;

/** Empty where nothing is known: Istio compares a label that is missing as one without a value. */
export function labelOf(workload: Workload, name: string): string {
  const { labels, locality, clusterId, nodeName, network } = workload;
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
    case NETWORK_LABEL:
      return network || label;
    case NODE_LABEL:
      return nodeName || label;
    default:
      return label;
  }
}

const NEAR_ZONE = [NETWORK_LABEL, REGION_LABEL, ZONE_LABEL];
const NEAR_NODE = [...NEAR_ZONE, SUBZONE_LABEL, NODE_LABEL];

/** What of an endpoint and its client has to agree, the most important first, where a service asks for near endpoints. */
export function nearnessLabels({ nearest }: Pick<ServiceModel, "nearest">): readonly string[] {
  if (nearest === undefined) return [];
  return nearest === "node" ? NEAR_NODE : NEAR_ZONE;
}

/** Labels of a client by which a service, whatever rules say, chooses the endpoints that it gets. */
export function labelsAskedBy(service: Pick<ServiceModel, "nearest" | "nodeLocal">): string[] {
  return [...nearnessLabels(service), ...(service.nodeLocal ? [NODE_LABEL] : [])];
}
