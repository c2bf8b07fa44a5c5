/** PeerAuthentication of security.istio.io: which connections a workload takes. */
import type { WorkloadSelector } from "./destination.ts";

export interface PeerAuthentication {
  /** Absent: the namespace, or in the root namespace the mesh. */
  readonly selector?: WorkloadSelector;
  readonly mtls?: MutualTLS;
  /** By the workload's own port, not the service's. */
  readonly portLevelMtls?: Readonly<Record<string, MutualTLS>>;
}

export interface MutualTLS {
  readonly mode?: "UNSET" | "DISABLE" | "PERMISSIVE" | "STRICT";
}
