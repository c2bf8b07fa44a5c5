/** Ports that a workload serves. */
import type { ServiceModel } from "@heddle/model";
import { type IngressListener, ingressListenersOf } from "../form/ingress-listener.ts";
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
  const sidecar = read.sidecar(proxy.namespace, proxy.labels)?.spec;
  const served = servedPorts(read, proxy, address);
  const listed = sidecar ? ingressListenersOf(sidecar) : [];
  if (listed.length > 0)
    return listed.map((each) => listedPort(read, each, served, proxy, address));
  const pool = sidecar?.inboundConnectionPool;
  return pool === undefined ? served : served.map((port) => ({ ...port, pool }));
}

/** A port that the workload's Sidecar lists, whether or not a service leads to it. */
function listedPort(
  read: ModelReader,
  { port, protocol, bind, endpoint, tls, pool }: IngressListener,
  served: readonly InboundPort[],
  proxy: ProxyDescription,
  address: string,
): InboundPort {
  const known = served.find(({ targetPort }) => targetPort === port);
  // While the mesh's own TLS is taken there, another has no place beside it.
  const taken =
    tls && read.peerAuthentication(proxy.namespace, proxy.labels, port) === "DISABLE"
      ? tls
      : undefined;
  const application =
    "path" in endpoint
      ? { address: `unix://${endpoint.path}`, port: 0 }
      : {
          address: endpoint.host === "loopback" ? proxy.appAddress : address,
          port: endpoint.port,
        };
  return {
    targetPort: port,
    servicePort: known?.servicePort ?? port,
    service: known?.service ?? unnamedService(proxy, port, protocol),
    // With TLS taken off there are requests inside.
    protocol: taken && protocol === "HTTPS" ? "HTTP" : protocol,
    endpoint: application,
    ...(bind === undefined ? {} : { bind }),
    ...(taken === undefined ? {} : { tls: taken }),
    ...(pool === undefined ? {} : { pool }),
  };
}

/** Stands for the service of a port that no service leads to: requests are counted for the workload itself. */
function unnamedService(
  { pod, namespace, serviceAccount }: ProxyDescription,
  port: number,
  protocol: InboundPort["protocol"],
): ServiceModel {
  const name = pod || serviceAccount;
  return {
    key: "",
    host: `${name}.${namespace}`,
    name,
    namespace,
    clusterIPs: [],
    subnets: [],
    origin: "Service",
    resolution: "ENDPOINTS",
    external: false,
    headless: false,
    ports: [{ name: "", port, targetPort: port, protocol }],
    labels: {},
    selector: {},
    exportTo: [],
    subjectAltNames: [],
  };
}

function servedPorts(
  read: ModelReader,
  proxy: ProxyDescription,
  address: string,
): readonly InboundPort[] {
  const byTarget = new Map<number, InboundPort>();
  const services = read.servicesAt(address);
  const own = services.filter(({ namespace }) => namespace === proxy.namespace);
  // A workload that is no pod may say for itself where it listens.
  const isPod = read.workload(address)?.pod !== "";
  for (const service of new Set([...own, ...services])) {
    for (const { port, targetPort, protocol } of service.ports) {
      if (protocol === "UDP") continue;
      const target =
        typeof targetPort === "number" && isPod
          ? targetPort
          : (ownPort(read, service, port, address) ?? targetPort);
      if (typeof target !== "number") continue;
      if (!target || byTarget.has(target)) continue;
      byTarget.set(target, { targetPort: target, servicePort: port, service, protocol });
    }
  }
  return [...byTarget.values()].toSorted((a, b) => a.targetPort - b.targetPort);
}

/** The workload's number for a port that the service knows by name. */
function ownPort(
  read: ModelReader,
  service: ServiceModel,
  port: number,
  address: string,
): number | undefined {
  return read.endpoints(service, port).find((endpoint) => endpoint.address === address)?.port;
}
