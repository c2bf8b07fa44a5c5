/** Ports of the services that a namespace sees, by what Envoy does with them. */
import type { ServiceModel } from "@heddle/model";
import { type Horizon, horizonText, hostsWithin, inSight } from "../form/horizon.ts";
import { derivation } from "../read.ts";

/** `http`: routed by request. `tcp`: by connection. `sniffed`: the first bytes tell. `none`: not carried. */
export type Handling = "http" | "tcp" | "sniffed" | "none";

export interface ServicePorts {
  /** Hosts by port, both sorted. */
  readonly http: ReadonlyMap<number, readonly string[]>;
  readonly tcp: readonly ServicePort[];
  readonly sniffed: readonly ServicePort[];
}

export interface ServicePort {
  readonly host: string;
  readonly port: number;
  /** Addresses that clients connect to; none for a headless service. */
  readonly addresses: readonly string[];
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
      const service = read.service(host);
      for (const { port, protocol } of service?.ports ?? []) {
        if (!inSight(read, horizon, host, port)) continue;
        const handling = handlingOf(protocol);
        if (handling === "http") {
          const hosts = http.get(port);
          if (hosts) hosts.push(host);
          else http.set(port, [host]);
        } else if (handling !== "none") {
          const entry = { host, port, addresses: service?.clusterIPs ?? [] };
          (handling === "tcp" ? tcp : sniffed).push(entry);
        }
      }
    }
    return { http: new Map([...http].toSorted(([a], [b]) => a - b)), tcp, sniffed };
  },
);

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
