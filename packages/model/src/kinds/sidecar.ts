/** Sidecar of networking.istio.io: what a workload's proxy takes in, and which hosts it may reach. */
import type { ConnectionPoolSettings } from "./destination-rule.ts";
import type { Destination, WorkloadLabels } from "./destination.ts";
import type { ServerTLSSettings } from "./gateway.ts";

export interface Sidecar {
  /** Absent: every workload of the namespace, or in the root namespace of the mesh. */
  readonly workloadSelector?: WorkloadLabels;
  readonly ingress?: readonly IstioIngressListener[];
  readonly egress?: readonly IstioEgressListener[];
  /** For every inbound port that has no settings of its own. */
  readonly inboundConnectionPool?: ConnectionPoolSettings;
  readonly outboundTrafficPolicy?: OutboundTrafficPolicy;
}

/** How traffic reaches a listener: by iptables, or sent to its address. */
export type CaptureMode = "DEFAULT" | "IPTABLES" | "NONE";

export interface IstioIngressListener {
  readonly port: SidecarPort;
  readonly bind?: string;
  readonly captureMode?: CaptureMode;
  /** `127.0.0.1:PORT`, `0.0.0.0:PORT`, `[::1]:PORT`, `[::]:PORT`, `:PORT` or `unix:///PATH`. */
  readonly defaultEndpoint?: string;
  readonly tls?: ServerTLSSettings;
  readonly connectionPool?: ConnectionPoolSettings;
}

export interface IstioEgressListener {
  /** Absent on the last listener alone: it is for every port that no other has. */
  readonly port?: SidecarPort;
  /** An address, or `unix:///PATH` with port number 0. */
  readonly bind?: string;
  readonly captureMode?: CaptureMode;
  /** `namespace/host`, where the namespace may be `*`, `.` or `~`, and the host may have a wildcard. */
  readonly hosts: readonly string[];
}

export interface SidecarPort {
  readonly number?: number;
  readonly protocol?: string;
  readonly name?: string;
  /** Deprecated, and without effect. */
  readonly targetPort?: number;
}

export interface OutboundTrafficPolicy {
  /** Requests to hosts that nobody knows: refused, or let through; REGISTRY_ONLY where it is left out. */
  readonly mode?: "REGISTRY_ONLY" | "ALLOW_ANY";
  /** Where requests to unknown hosts go; needs ALLOW_ANY. */
  readonly egressProxy?: Destination;
}
