/** Where pods of an installation run. */
import { filled } from "./pod-parts.ts";
import type { Values } from "./values.ts";

type Labels = Readonly<Record<string, string>>;

/** The fields of a pod's spec for it. `selector`: the labels of all replicas; absent for a pod that has none. */
export function placement(
  {
    affinity,
    nodeSelector,
    tolerations,
    priorityClass,
  }: Pick<Values["agent"], "affinity" | "nodeSelector" | "tolerations" | "priorityClass">,
  selector?: Labels,
): Record<string, unknown> {
  return {
    ...filled(
      "affinity",
      Object.keys(affinity).length > 0 || selector === undefined ? affinity : apart(selector),
    ),
    ...filled("nodeSelector", nodeSelector),
    ...filled("tolerations", tolerations),
    ...filled("priorityClassName", priorityClass),
  };
}

/** Replicas on machines of their own, where there is more than one. */
function apart(matchLabels: Labels): object {
  const term = { labelSelector: { matchLabels }, topologyKey: "kubernetes.io/hostname" };
  return {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }],
    },
  };
}
