/** Ports of the services that a namespace sees, by what Envoy does with them. */
import { isTls, type ServiceModel, type ServicePort as ModelPort } from "@heddle/model";
import { type Horizon, horizonText, hostsWithin, inSight } from "../form/horizon.ts";
import { derivation } from "../read.ts";

/** `http`: routed by request. `tcp`: by connection. `sniffed`: the first bytes tell. `none`: not carried. */
export type Handling = "http" | "tcp" | "sniffed" | "none";

export interface ServicePorts {
  /** Ports that lead to a table of routes, with their hosts, both sorted. */
  readonly http: ReadonlyMap<number, readonly string[]>;
  readonly tcp: readonly ServicePort[];
  readonly sniffed: readonly ServicePort[];
}

export interface ServicePort {
  readonly host: string;
  readonly port: number;
  /** Addresses that clients connect to; none for a headless service. */
  readonly addresses: readonly string[];
  /** Nothing but the port tells connections to it: an entry without addresses. */
  readonly anywhere: boolean;
  /** Subnets all of whose addresses are meant. */
  readonly subnets: readonly string[];
  /** Addresses that it was given for want of its own: known to clients that ask the mesh's DNS. */
  readonly autoAddresses: readonly string[];
  /** Clients speak TLS, and name the host. */
  readonly tls: boolean;
}

/**
 * By horizon. The one derivation that reads all services of a view; what it returns leads to
 * shared ones for each port.
 */
export const servicePorts = derivation<Horizon, ServicePorts>(
  "route/service-ports",
  horizonText,
  (read, horizon) => {
    const http = new Map<number, string[]>();
    const tcp: ServicePort[] = [];
    const sniffed: ServicePort[] = [];
    for (const host of hostsWithin(read, horizon)) {
      const service = read.service(host, horizon.namespace);
      if (service === undefined) continue;
      for (const port of service.ports) {
        if (!inSight(read, horizon, host, port.port)) continue;
        const handling = handlingOf(port.protocol);
        if (inTable(service, port)) {
          const hosts = http.get(port.port);
          if (hosts) hosts.push(host);
          else http.set(port.port, [host]);
        }
        if (handling === "tcp" || handling === "sniffed") {
          (handling === "tcp" ? tcp : sniffed).push(entryOf(service, port));
        }
      }
    }
    return { http: new Map([...http].toSorted(([a], [b]) => a - b)), tcp, sniffed };
  },
);

function entryOf(service: ServiceModel, { port, protocol }: ModelPort): ServicePort {
  return {
    host: service.host,
    port,
    addresses: service.clusterIPs,
    anywhere: isAnywhere(service),
    subnets: service.subnets,
    autoAddresses: service.autoAddresses ?? [],
    tls: isTls(protocol),
  };
}

/** Whether requests to a port are routed by the one table of all hosts on it: also those that only sniffing finds there. */
export function inTable(service: ServiceModel, { protocol }: ModelPort): boolean {
  const handling = handlingOf(protocol);
  return handling === "http" || (handling === "sniffed" && !hasListener(service));
}

/** Whether connections to it are told by an address, and have listeners of their own. */
function hasListener({ origin, clusterIPs }: ServiceModel): boolean {
  return origin === "Service" || clusterIPs.length > 0;
}

function isAnywhere(service: ServiceModel): boolean {
  return !hasListener(service) && service.subnets.length === 0;
}

export function handlingOf(protocol: ServiceModel["ports"][number]["protocol"]): Handling {
  switch (protocol) {
    case "HTTP":
    case "HTTP2":
    case "GRPC":
    case "GRPC-WEB":
      return "http";
    case "AUTO":
      return "sniffed";
    case "UDP":
      return "none";
    default:
      return "tcp";
  }
}
