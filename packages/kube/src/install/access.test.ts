import { expect, it } from "vitest";
import { access } from "./access.ts";
import type { Installation } from "./objects.ts";

const rights = {
  cluster: [{ apiGroups: [""], resources: ["pods"], verbs: ["list"] }],
  own: [
    {
      ...{ apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get"] },
      resourceNames: ["heddle-agent-leader"],
    },
  ],
};
const rulesOf = (revision: string) =>
  access({ namespace: "heddle-system", values: { revision } } as Installation, rights)
    .filter(({ kind }) => kind === "Role" || kind === "ClusterRole")
    .map((role) => role["rules"]);

it("gives rights to the objects of the installation's own revision", () => {
  expect(rulesOf("default")).toEqual([rights.cluster, rights.own]);
  const [own] = rights.own;
  expect(rulesOf("canary")).toEqual([
    rights.cluster,
    [{ ...own, resourceNames: ["heddle-agent-leader-canary"] }],
  ]);
});
