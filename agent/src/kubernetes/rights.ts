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
  {
    why: "Webhooks: whichever replica comes first makes their certificates.",
    apiGroups: [""],
    resources: ["secrets"],
    verbs: ["create"],
  },
  {
    why: "Webhooks: the leader renews their certificates.",
    apiGroups: [""],
    resources: ["secrets"],
    resourceNames: ["heddle-agent-webhook"],
    verbs: ["get", "update"],
  },
  {
    why: "Webhooks: whether the validator answers is asked with a rule that is wrong, and that is never made.",
    apiGroups: ["heddle.dev"],
    resources: ["fallbacks"],
    verbs: ["create"],
  },
  {
    why: "Webhooks: with the last agent gone rules are no longer refused for it.",
    apiGroups: ["apps"],
    resources: ["deployments"],
    resourceNames: ["heddle-agent"],
    verbs: ["get"],
  },
];

/** In the whole cluster: the ClusterRole, after what reading takes. */
export const clusterRights: readonly Right[] = [
  {
    why: "The TLS port: whether the token of a pod is still good. Who reads the keys that sign tokens, every service account may.",
    apiGroups: ["authentication.k8s.io"],
    resources: ["tokenreviews"],
    verbs: ["create"],
  },
  {
    why: "What injected pods know the agent by: the leader keeps this one ConfigMap in every namespace.",
    apiGroups: [""],
    resources: ["configmaps"],
    resourceNames: ["heddle-agent-identity"],
    verbs: ["create", "patch"],
  },
  {
    why: "That ConfigMap belongs to this role, and goes with it.",
    apiGroups: ["rbac.authorization.k8s.io"],
    resources: ["clusterroles"],
    resourceNames: ["heddle-agent"],
    verbs: ["get"],
  },
  ...rightsToWriteStatus(),
  {
    why: "Webhooks: a pod may come before its namespace was read.",
    apiGroups: [""],
    resources: ["namespaces"],
    verbs: ["get"],
  },
  ...[
    { plural: "mutatingwebhookconfigurations", name: "heddle-injector" },
    { plural: "validatingwebhookconfigurations", name: "heddle-validator" },
  ].map(({ plural, name }) => ({
    why: "Webhooks: the leader says whom the API server trusts, and puts it right when somebody changes it.",
    apiGroups: ["admissionregistration.k8s.io"],
    resources: [plural],
    resourceNames: [name],
    verbs: ["list", "patch", "watch"],
  })),
  ...rightsToDeployGateways(),
  {
    why: "Machines: the replica that one is connected to makes its WorkloadEntry, and removes it when the machine is gone.",
    apiGroups: ["networking.istio.io"],
    resources: ["workloadentries"],
    verbs: ["create", "delete", "get", "update"],
  },
];

function rightsToDeployGateways(): Right[] {
  const made = [
    ["", ["serviceaccounts", "services"]],
    ["apps", ["deployments"]],
    ["autoscaling", ["horizontalpodautoscalers"]],
    ["policy", ["poddisruptionbudgets"]],
  ] as const;
  return made.map(([group, resources]) => ({
    why: "The leader makes what serves Gateways, in the namespace of each, and keeps it as it was made.",
    apiGroups: [group],
    resources,
    verbs: ["create", "delete", "get", "list", "patch", "watch"],
  }));
}

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
