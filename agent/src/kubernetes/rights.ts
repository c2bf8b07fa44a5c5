/**
 * What the agent is allowed beside reading what `watched.ts` names: each right with what takes it. The roles in
 * `infra/kubernetes/agent-rbac.yaml` are made from this table: `UPDATE_GOLDEN=1 npm test -- rbac`.
 */

import { hasStatus } from "../sources/kubernetes/observed.ts";
import { watchedKinds } from "../sources/kubernetes/watched.ts";

/** A rule as RBAC has it; `resourceNames` absent: of any name. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export interface Right extends PolicyRule {
  /** Which part needs it, and for what: it stands above the rule as a comment. */
  readonly why: string;
}

/** In the agent's own namespace alone: the Role. */
export const ownRights: readonly Right[] = [
  {
    why: "Leader election: RBAC knows no names when something is made.",
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    verbs: ["create"],
  },
  {
    why: "Leader election: the one Lease that replicas hold.",
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    resourceNames: ["heddle-agent-leader"],
    verbs: ["get", "update"],
  },
  {
    why: "The leader keeps the state in Secrets whose names hold its hash, so that a new pod has it without the plane.",
    apiGroups: [""],
    resources: ["secrets"],
    verbs: ["create", "delete", "get", "list", "update"],
  },
];

/** In the whole cluster: the ClusterRole, after what reading takes. */
export const clusterRights: readonly Right[] = [...rightsToWriteStatus()];

function rightsToWriteStatus(): Right[] {
  const groups = Map.groupBy(watchedKinds.filter(hasStatus), ({ group }) => group);
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, kinds]) => ({
      why: "The leader writes what the mesh makes of an object into its status.",
      apiGroups: [group],
      resources: kinds.map(({ plural }) => `${plural}/status`).toSorted(),
      verbs: ["patch"],
    }));
}
