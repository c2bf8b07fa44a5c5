/** What a cluster is made from, and the interface that every cluster feature has. */
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import type { BackendTls, ServiceModel, ServicePort, Subset } from "@heddle/model";
import type { ClientPlace } from "../endpoint/locality-group.ts";
import type { Reach } from "../proxy.ts";
import type { ModelReader } from "../read.ts";
import type { EffectivePolicy } from "./policy.ts";

export interface ClusterContext {
  readonly read: ModelReader;
  /** From `read.clusterScope`: whose rules count. */
  readonly scope: string;
  readonly service: ServiceModel;
  readonly port: ServicePort;
  /** Undefined for the whole service. */
  readonly subset: Subset | undefined;
  readonly policy: EffectivePolicy;
  /** What a BackendTLSPolicy asks for; counts where no DestinationRule speaks of TLS. */
  readonly backendTls: BackendTls | undefined;
  /** The policy's rule selects workloads, this client among them. */
  readonly selected: boolean;
  /** Only intercepted traffic has an original destination that can be connected to. */
  readonly reach: Reach;
  readonly discovery: Discovery;
  /** What the rule for the host asks of the client, if the cluster holds its endpoints itself. */
  readonly client: ClientPlace;
}

/** Where a cluster's endpoints come from. */
export type Discovery = "EDS" | "STRICT_DNS" | "LOGICAL_DNS" | "DYNAMIC_DNS" | "ORIGINAL_DST";

/**
 * One thing that a cluster has. `apply` returns the cluster with that thing added; it looks at what another feature added
 * only where the table in `features.ts` says that the other runs first.
 */
export interface ClusterFeature {
  readonly name: string;
  apply(cluster: Cluster, context: ClusterContext): Cluster;
}
