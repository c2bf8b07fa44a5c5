/** Where requests go: a host, perhaps a subset of it, perhaps one port. */

export interface Destination {
  readonly host: string;
  readonly subset?: string;
  /** May be left out only where the service has one port. */
  readonly port?: PortSelector;
}

export interface PortSelector {
  readonly number?: number;
}

/** Workloads of a namespace by their labels; no labels mean all. */
export interface WorkloadSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
}

/** The same as the older kinds of networking.istio.io write it. */
export interface WorkloadLabels {
  readonly labels?: Readonly<Record<string, string>>;
}
