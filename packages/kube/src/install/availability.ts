/** How many of the agent's pods there are, when machines are emptied and when load grows. */
import {
  type Installation,
  type KubernetesObject,
  labelsOf,
  named,
  selectorOf,
} from "./objects.ts";

export function availability(installation: Installation): KubernetesObject[] {
  const { namespace, values } = installation;
  const { autoscaling, disruptionBudget, replicas } = values.agent;
  const name = named("heddle-agent", installation);
  const metadata = { name, namespace, labels: labelsOf(installation) };
  const objects: KubernetesObject[] = [];
  const least = autoscaling.enabled ? autoscaling.minReplicas : replicas;
  // A budget of one pod out of one would keep its machine from ever being emptied.
  if (disruptionBudget.enabled && least > 1)
    objects.push({
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata,
      spec: { minAvailable: 1, selector: { matchLabels: selectorOf(installation) } },
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
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
        metrics: [{ type: "Resource", resource: { name: "cpu", target } }],
      },
    });
  }
  return objects;
}
