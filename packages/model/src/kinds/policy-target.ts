/** What a policy applies to: workloads by their labels, or an object that is named. */
import type { WorkloadSelector } from "./destination.ts";

/** At most one of the three; none means the whole namespace, or in the root namespace the mesh. */
export interface PolicyTarget {
  readonly selector?: WorkloadSelector;
  /** Deprecated for `targetRefs`. */
  readonly targetRef?: PolicyTargetReference;
  readonly targetRefs?: readonly PolicyTargetReference[];
}

/** An object in the policy's own namespace: a Service, a ServiceEntry, a Gateway or a GatewayClass. */
export interface PolicyTargetReference {
  /** Empty for Kubernetes' core group. */
  readonly group?: string;
  readonly kind: string;
  readonly name: string;
  /** Never set: references do not cross namespaces. */
  readonly namespace?: string;
}
