/** For tests: the rights of infra/kubernetes, and no others, for the user that an agent of the test is. */
import { clusterRights, ownRights, type PolicyRule } from "../../../kubernetes/rights.ts";
import { rightsToRead } from "../watched.ts";
import { AGENT_USER, type ControlPlane } from "./control-plane.ts";

/** The namespace that agents of tests are in. */
export const OWN_NAMESPACE = "heddle-system";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";

/** Makes the agents' namespace too. */
export async function giveAgentRights({ ask }: Pick<ControlPlane, "ask">): Promise<void> {
  const ok = async (to: string, body: object) => {
    const { status, body: answer } = await ask("POST", to, body);
    if (status >= 300) throw new Error(`${to}: ${status} ${JSON.stringify(answer)}`);
  };
  const give = async (kind: "Role" | "ClusterRole", rules: readonly PolicyRule[]) => {
    const at = kind === "Role" ? `${RBAC}/namespaces/${OWN_NAMESPACE}` : RBAC;
    const head = { apiVersion: "rbac.authorization.k8s.io/v1", metadata: { name: "agent" } };
    await ok(`${at}/${kind.toLowerCase()}s`, { ...head, kind, rules });
    await ok(`${at}/${kind.toLowerCase()}bindings`, {
      ...{ ...head, kind: `${kind}Binding` },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name: "agent" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: AGENT_USER }],
    });
  };
  await ok("/api/v1/namespaces", {
    ...{ apiVersion: "v1", kind: "Namespace", metadata: { name: OWN_NAMESPACE } },
  });
  await give("Role", ownRights);
  await give("ClusterRole", [...rightsToRead(), ...clusterRights]);
}
