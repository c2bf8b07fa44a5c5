/** How many pods of a Deployment there are, when machines are emptied and when load grows. */
import type { KubernetesObject } from "./objects.ts";
import type { Values } from "./values.ts";

type Scaling = Pick<Values["agent"], "autoscaling" | "disruptionBudget" | "replicas">;

/** `metadata` is the Deployment's, and that of both objects. */
export function availability(
  metadata: KubernetesObject["metadata"],
  matchLabels: Readonly<Record<string, string>>,
  { autoscaling, disruptionBudget, replicas }: Scaling,
): KubernetesObject[] {
  const objects: KubernetesObject[] = [];
  const least = autoscaling.enabled ? autoscaling.minReplicas : replicas;
  // A budget of one pod out of one would keep its machine from ever being emptied.
  if (disruptionBudget.enabled && least > 1)
    objects.push({
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata,
      spec: { minAvailable: 1, selector: { matchLabels } },
    });
  if (autoscaling.enabled) {
    const { minReplicas, maxReplicas, targetCpuPercent: averageUtilization } = autoscaling;
    const target = { type: "Utilization", averageUtilization };
    objects.push({
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata,
      spec: {
        ...{ minReplicas, maxReplicas },
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: metadata.name },
        metrics: [{ type: "Resource", resource: { name: "cpu", target } }],
      },
    });
  }
  return objects;
}

/** An autoscaler's number is not written over. */
export function replicasOf({ autoscaling, replicas }: Scaling): { readonly replicas?: number } {
  return autoscaling.enabled ? {} : { replicas };
}

/** Replaced without a gap. */
export const STRATEGY = {
  type: "RollingUpdate",
  rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
} as const;
