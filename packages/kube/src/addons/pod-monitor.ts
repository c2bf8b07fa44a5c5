/** For clusters whose Prometheus belongs to an operator (prometheus-operator.dev): it is told whom to ask, and nothing is run. */
import type { KubernetesObject } from "../install/objects.ts";
import { addonObject, PROMETHEUS } from "./addon.ts";
import { AGENT_PODS, SCRAPE_INTERVAL } from "./scrape-config.ts";

/** Of the agent's port 15014. */
const PORT = "http-metrics";

/** `labels`: those by which the operator's Prometheus chooses its monitors. */
export function podMonitor(
  namespace: string,
  labels: Readonly<Record<string, string>>,
): KubernetesObject {
  const kind = { apiVersion: "monitoring.coreos.com/v1", kind: "PodMonitor" };
  const made = addonObject(PROMETHEUS, namespace, kind, "heddle-agents", {
    spec: {
      // Agents of other revisions may lie elsewhere.
      namespaceSelector: { any: true },
      selector: { matchLabels: AGENT_PODS },
      podMetricsEndpoints: [
        // A series says itself which pod's proxy has counted it.
        { port: PORT, path: "/metrics", interval: SCRAPE_INTERVAL, honorLabels: true },
      ],
    },
  });
  return {
    ...made,
    metadata: { ...made.metadata, labels: { ...labels, ...made.metadata.labels } },
  };
}
