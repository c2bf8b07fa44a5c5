/** Who the agent is in its cluster, and what it may do there. */
import { type Installation, type KubernetesObject, labelsOf, named } from "./objects.ts";

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** The agent's own table of them, which is not this package's to know. */
export interface AgentRights {
  readonly cluster: readonly PolicyRule[];
  /** In the namespace that it lies in. */
  readonly own: readonly PolicyRule[];
}

/** What all revisions of a cluster have in common: pods know every agent by it. */
const SHARED: ReadonlySet<string> = new Set(["heddle-agent-identity"]);

const RBAC = "rbac.authorization.k8s.io";

export function access(installation: Installation, rights: AgentRights): KubernetesObject[] {
  const { namespace } = installation;
  const labels = labelsOf(installation);
  const name = named("heddle-agent", installation);
  // Cluster roles have no namespace; two installations of one revision cannot be in a cluster anyhow.
  const wide = { name, labels };
  const own = { name, namespace, labels };
  const subjects = [{ kind: "ServiceAccount", name, namespace }];
  const role = (kind: string) => ({ apiGroup: RBAC, kind, name });
  const apiVersion = `${RBAC}/v1`;
  // What is named there is the agent's own, and is called by its revision too.
  const rulesOf = (rules: readonly PolicyRule[]) =>
    rules.map(({ resourceNames, ...rule }) => ({
      ...rule,
      ...(resourceNames && {
        resourceNames: resourceNames.map((each) =>
          SHARED.has(each) ? each : named(each, installation),
        ),
      }),
    }));
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: own },
    { apiVersion, kind: "ClusterRole", metadata: wide, rules: rulesOf(rights.cluster) },
    {
      ...{ apiVersion, kind: "ClusterRoleBinding", metadata: wide },
      ...{ roleRef: role("ClusterRole"), subjects },
    },
    ...(rights.own.length === 0
      ? []
      : [
          { apiVersion, kind: "Role", metadata: own, rules: rulesOf(rights.own) },
          {
            ...{ apiVersion, kind: "RoleBinding", metadata: own },
            ...{ roleRef: role("Role"), subjects },
          },
        ]),
  ];
}
