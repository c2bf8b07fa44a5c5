/** A pod that is a gateway: its one container is the proxy, and traffic comes by its ports instead of being led to it. */
import type { PodTemplate } from "./pod.ts";
import { finished, type PodMaking, proxyFor, withLowPorts } from "./sidecar-pod.ts";

export function gatewayPod(making: PodMaking): PodTemplate {
  const { pod } = making.pod;
  const { initContainers = [], containers = [], securityContext } = pod.spec ?? {};
  const proxy = proxyFor(making, {
    type: "router",
    native: false,
    interception: "REDIRECT",
    dns: false,
  });
  const made = finished(making, { initContainers, containers: [proxy, ...containers] });
  return {
    ...made,
    spec: { ...made.spec, securityContext: withLowPorts(securityContext) },
  };
}
