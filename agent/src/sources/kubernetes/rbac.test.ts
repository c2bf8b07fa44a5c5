/** The roles in infra/kubernetes are what the agent asks for, no more and no less. `UPDATE_GOLDEN=1` writes them anew. */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { clusterRights, ownRights, type PolicyRule, type Right } from "../../kubernetes/rights.ts";
import { rightsToRead } from "./watched.ts";

const FILE = path.resolve(import.meta.dirname, "../../../../infra/kubernetes/agent-rbac.yaml");
const list = (items: readonly string[], indent: string) =>
  items.map((item) => `\n${indent}- ${item === "" ? '""' : item}`).join("");
const ruleOf = ({ apiGroups, resources, resourceNames, verbs, why }: PolicyRule & Partial<Right>) =>
  [
    why === undefined ? "" : `\n  # ${why}`,
    `\n  - apiGroups:${list(apiGroups, "      ")}`,
    `\n    resources:${list(resources, "      ")}`,
    resourceNames === undefined ? "" : `\n    resourceNames:${list(resourceNames, "      ")}`,
    `\n    verbs:${list(verbs, "      ")}`,
  ].join("");

const expected = `# @generated from agent/src/sources/kubernetes/watched.ts and agent/src/kubernetes/rights.ts; \`UPDATE_GOLDEN=1 npm test -- rbac\` writes it anew.
# What an agent is allowed in its cluster: to read the kinds that a mesh is made of, and what else says why it is here.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: heddle-agent
  namespace: heddle-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: heddle-agent
rules:${[...rightsToRead(), ...clusterRights].map(ruleOf).join("")}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: heddle-agent
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: heddle-agent
subjects:
  - kind: ServiceAccount
    name: heddle-agent
    namespace: heddle-system
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: heddle-agent
  namespace: heddle-system
rules:${ownRights.map(ruleOf).join("")}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: heddle-agent
  namespace: heddle-system
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: heddle-agent
subjects:
  - kind: ServiceAccount
    name: heddle-agent
    namespace: heddle-system
`;

it("the agent's roles have the rights that it uses, and only these", async () => {
  if (process.env["UPDATE_GOLDEN"] === "1") await writeFile(FILE, expected);
  expect(await readFile(FILE, "utf8")).toBe(expected);
  for (const { verbs } of rightsToRead()) expect(verbs).toEqual(["list", "watch"]);
  for (const { verbs, resources, apiGroups } of [
    ...rightsToRead(),
    ...clusterRights,
    ...ownRights,
  ]) {
    for (const names of [verbs, resources, apiGroups]) expect(names).not.toContain("*");
  }
});
