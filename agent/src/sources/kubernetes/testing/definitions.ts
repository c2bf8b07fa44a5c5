/** For tests: custom resource definitions that take anything, for the kinds of the mesh. */
import { kinds } from "@heddle/model";

/** Of a kind of the model, `group/Kind`, served in these versions. */
export function definitionOf(name: string, versions?: readonly string[]): object {
  const known = kinds.find(({ group, kind }) => `${group}/${kind}` === name);
  if (!known) throw new Error(`${name} is no kind`);
  const { group, kind, plural, namespaced } = known;
  const openAPIV3Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${plural}.${group}`,
      // Kubernetes' own groups want a word of those who look after them.
      annotations: { "api-approved.kubernetes.io": "unapproved, for tests" },
    },
    spec: {
      group,
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      scope: namespaced ? "Namespaced" : "Cluster",
      versions: (versions ?? known.versions).map((version, index) => ({
        ...{ name: version, served: true, storage: index === 0 },
        schema: { openAPIV3Schema },
        subresources: { status: {} },
      })),
    },
  };
}
