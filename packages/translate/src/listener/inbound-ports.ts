/** Ports that a workload serves. */
import type { ModelReader } from "../read.ts";
import type { ProxyDescription } from "../proxy.ts";
import type { InboundPort } from "../resources.ts";

/**
 * By target port, ascending; a port that several services lead to is counted for the first of them by host, those of the
 * workload's own namespace before others.
 */
export function inboundPorts(read: ModelReader, proxy: ProxyDescription): readonly InboundPort[] {
  const [address] = proxy.addresses;
  if (address === undefined || proxy.type !== "sidecar") return [];
  const byTarget = new Map<number, InboundPort>();
  const services = read.servicesAt(address);
  const own = services.filter(({ namespace }) => namespace === proxy.namespace);
  for (const service of new Set([...own, ...services])) {
    for (const { port, targetPort, protocol } of service.ports) {
      if (protocol === "UDP") continue;
      const target =
        typeof targetPort === "number" ? targetPort : namedPort(read, service.host, port, address);
      if (!target || byTarget.has(target)) continue;
      byTarget.set(target, { targetPort: target, servicePort: port, service, protocol });
    }
  }
  return [...byTarget.values()].toSorted((a, b) => a.targetPort - b.targetPort);
}

/** The pod's number for a port that the service knows by name. */
function namedPort(
  read: ModelReader,
  host: string,
  port: number,
  address: string,
): number | undefined {
  return read.endpoints(host, port).find((endpoint) => endpoint.address === address)?.port;
}
