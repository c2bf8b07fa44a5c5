/** Pods with proxies, as injection makes them, that are served by an agent in the cluster which believes them. */
import { defaultOptions, inject } from "@heddle/injection";
import type { PodTemplate } from "../../../packages/injection/src/pod.ts";

/** Where an installation with `agent.plaintext` serves. */
const PLAINTEXT_PORT = 15010;
const MESH = { rootNamespace: "istio-system", clusterDomain: "cluster.local" };

export function withProxy(pod: PodTemplate, namespace: string): PodTemplate {
  const made = inject(
    { pod, namespace: { name: namespace, labels: { "istio-injection": "enabled" } }, mesh: MESH },
    {
      ...defaultOptions,
      agent: { ...defaultOptions.agent, xdsPort: PLAINTEXT_PORT, security: "plaintext" },
      // A node of two cores holds all of them.
      resources: { requests: { cpu: "10m", memory: "64Mi" } },
    },
  );
  if (!made.injected) throw new Error(JSON.stringify(made));
  return made.pod;
}
