/** A proxy as it describes itself in its xDS node: what a translation for it may depend on. */
export interface ProxyDescription {
  /** The node id as sent: `sidecar~IP~POD.NAMESPACE~DOMAIN`. */
  readonly id: string;
  readonly type: "sidecar" | "router";
  /** All addresses of the workload, the first one being the one that its endpoints are known by. */
  readonly addresses: readonly string[];
  readonly pod: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly clusterId: string;
  readonly locality: Locality | undefined;
  /** REDIRECT: iptables leads traffic to 15001 and 15006. NONE: listeners bind the pod's own address and ports. */
  readonly interception: "REDIRECT" | "NONE";
  /** Where an HTTP forward proxy listens for the application, on the proxy's first address; none without it. */
  readonly httpProxyPort: number | undefined;
  /** Where that is instead: on a machine others reach its address, and none of them may call in its name. */
  readonly httpProxyAddress?: string;
  /** Where the application listens; in REDIRECT mode the pod's own loopback. */
  readonly appAddress: string;
  /** No proxy at all: a gRPC library that speaks xDS itself. */
  readonly proxyless: boolean;
  /** Outbound virtual hosts are asked for on demand (VHDS). */
  readonly onDemand: boolean;
  /** Its workload asks the mesh's DNS, and so connects to the addresses that hosts without any were given. */
  readonly dnsCapture: boolean;
  /** Where its Prometheus listener is, `host:port`; on its first address, at Istio's port, without it. */
  readonly statsAddress?: string;
  /** The version of the mesh that the proxy says it is of, `ISTIO_VERSION`; EnvoyFilters may ask for it. */
  readonly version?: string;
  /** Its node's metadata as far as they are text: EnvoyFilters may ask for any of it. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Which of an object's two values this proxy reads during a staged change. */
  readonly cohort: Cohort;
}

/** How a client's traffic comes to its destination: by interception, by being addressed to the proxy, or without one. */
export type Reach = "intercepted" | "explicit" | "gateway" | "proxyless";

export type Cohort = "stable" | "candidate";

export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subzone: string;
}
