/** The role in infra/kubernetes is what the source asks for, no more and no less. `UPDATE_GOLDEN=1` writes it anew. */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { rightsToRead } from "./watched.ts";

const FILE = path.resolve(import.meta.dirname, "../../../../infra/kubernetes/agent-rbac.yaml");
const list = (items: readonly string[], indent: string) =>
  items.map((item) => `\n${indent}- ${item === "" ? '""' : item}`).join("");

const expected = `# @generated from agent/src/sources/kubernetes/watched.ts; \`UPDATE_GOLDEN=1 npm test -- rbac\` writes it anew.
# What an agent is allowed in its cluster: to read the kinds that a mesh is made of, and nothing else.
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
rules:${rightsToRead()
  .map(
    ({ apiGroups, resources, verbs }) =>
      `\n  - apiGroups:${list(apiGroups, "      ")}\n    resources:${list(resources, "      ")}\n    verbs:${list(verbs, "      ")}`,
  )
  .join("")}
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
`;

it("the agent's role has the rights that it uses, and only these", async () => {
  if (process.env["UPDATE_GOLDEN"] === "1") await writeFile(FILE, expected);
  expect(await readFile(FILE, "utf8")).toBe(expected);
  for (const { verbs, resources } of rightsToRead()) {
    expect(verbs).toEqual(["list", "watch"]);
    expect(resources).not.toContain("*");
  }
});
