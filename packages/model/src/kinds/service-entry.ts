/** ServiceEntry of networking.istio.io: hosts that no Service of the cluster stands for, and where they are served. */
import type { WorkloadEntry } from "./workload-entry.ts";

export interface ServiceEntry {
  /** DNS names, perhaps with a wildcard as the first label; at least one. */
  readonly hosts: readonly string[];
  /** Virtual addresses and subnets by which connections are known. */
  readonly addresses?: readonly string[];
  readonly ports?: readonly ServiceEntryPort[];
  /** MESH_EXTERNAL where it is left out. */
  readonly location?: "MESH_EXTERNAL" | "MESH_INTERNAL";
  /** NONE where it is left out. */
  readonly resolution?: ServiceEntryResolution;
  readonly endpoints?: readonly WorkloadEntry[];
  /** Picks Pods and WorkloadEntries of the entry's namespace; an empty one picks all of them. */
  readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> };
  readonly exportTo?: readonly string[];
  readonly subjectAltNames?: readonly string[];
}

/**
 * NONE: where the application connects to. STATIC: the endpoints. DNS: every address that the names resolve to.
 * DNS_ROUND_ROBIN: one address of the name for each new connection. DYNAMIC_DNS: the name that each request asks for.
 */
export type ServiceEntryResolution = "NONE" | "STATIC" | "DNS" | "DNS_ROUND_ROBIN" | "DYNAMIC_DNS";

export interface ServiceEntryPort {
  readonly number: number;
  readonly name: string;
  /** HTTP, HTTPS, GRPC, GRPC-WEB, HTTP2, MONGO, REDIS, MYSQL, TCP, UDP or TLS; without it the first bytes tell. */
  readonly protocol?: string;
  /** Where endpoints listen; `number` where it is left out. */
  readonly targetPort?: number;
}
