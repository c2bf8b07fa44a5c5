/** The name by which proxies, the API server and scrapers reach the agent. */
import {
  type Installation,
  type KubernetesObject,
  labelsOf,
  named,
  selectorOf,
} from "./objects.ts";
import { listening } from "./ports.ts";

export function service(installation: Installation): KubernetesObject {
  const { namespace, values } = installation;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: named("heddle-agent", installation),
      namespace,
      labels: labelsOf(installation),
    },
    spec: {
      selector: selectorOf(installation),
      ports: listening(values.agent.plaintext).map(({ name, port, servicePort = port }) => ({
        ...{ name, port: servicePort, targetPort: name, protocol: "TCP" },
      })),
    },
  };
}
