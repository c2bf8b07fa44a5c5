/** DestinationRule of networking.istio.io: how clients treat a host once a route has chosen it. */
import type { PortSelector, WorkloadSelector } from "./destination.ts";

export interface DestinationRule {
  readonly host: string;
  readonly trafficPolicy?: TrafficPolicy;
  readonly subsets?: readonly Subset[];
  readonly exportTo?: readonly string[];
  readonly workloadSelector?: WorkloadSelector;
}

export interface Subset {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly trafficPolicy?: TrafficPolicy;
}

/** What may be set for all ports of a host or for one. */
export interface PortPolicy {
  readonly loadBalancer?: LoadBalancerSettings;
  readonly connectionPool?: ConnectionPoolSettings;
  readonly outlierDetection?: OutlierDetection;
  readonly tls?: ClientTLSSettings;
}

export interface TrafficPolicy extends PortPolicy {
  readonly portLevelSettings?: readonly PortTrafficPolicy[];
  readonly tunnel?: TunnelSettings;
  readonly proxyProtocol?: { readonly version?: "V1" | "V2" };
  readonly retryBudget?: RetryBudget;
}

export interface PortTrafficPolicy extends PortPolicy {
  readonly port?: PortSelector;
}

export interface TunnelSettings {
  /** CONNECT (the default) or POST. */
  readonly protocol?: string;
  readonly targetHost: string;
  readonly targetPort: number;
}

export interface RetryBudget {
  readonly percent?: number;
  readonly minRetryConcurrency?: number;
  readonly budgetInterval?: string;
}

export interface LoadBalancerSettings {
  readonly simple?: SimpleLoadBalancer;
  readonly consistentHash?: ConsistentHash;
  readonly backendUtilization?: BackendUtilization;
  readonly localityLbSetting?: LocalityLoadBalancer;
  readonly zoneAwareLbSetting?: ZoneAwareLoadBalancer;
  /** Deprecated for `warmup.duration`. */
  readonly warmupDurationSecs?: string;
  readonly warmup?: Warmup;
}

/** Weights by the load that endpoints report of themselves (ORCA). */
export interface BackendUtilization {
  readonly weightStabilizationPeriod?: string;
  readonly weightExpirationPeriod?: string;
  readonly weightUpdatePeriod?: string;
  readonly errorUtilizationPenaltyPercent?: number;
  readonly metricNamesForComputingUtilization?: readonly string[];
}

export type SimpleLoadBalancer =
  | "UNSPECIFIED"
  | "LEAST_CONN"
  | "RANDOM"
  | "PASSTHROUGH"
  | "ROUND_ROBIN"
  | "LEAST_REQUEST";

/** At most one of the keys, at most one of the algorithms. */
export interface ConsistentHash {
  readonly httpHeaderName?: string;
  readonly httpCookie?: HashCookie;
  readonly useSourceIp?: boolean;
  readonly httpQueryParameterName?: string;
  readonly ringHash?: { readonly minimumRingSize?: number };
  readonly maglev?: { readonly tableSize?: number };
  /** Deprecated for `ringHash.minimumRingSize`. */
  readonly minimumRingSize?: number;
}

export interface HashCookie {
  readonly name: string;
  readonly path?: string;
  readonly ttl?: string;
  readonly attributes?: readonly { readonly name: string; readonly value?: string }[];
}

export interface LocalityLoadBalancer {
  readonly distribute?: readonly {
    readonly from?: string;
    readonly to?: Readonly<Record<string, number>>;
  }[];
  readonly failover?: readonly { readonly from?: string; readonly to?: string }[];
  readonly failoverPriority?: readonly string[];
  readonly enabled?: boolean;
}

export interface ZoneAwareLoadBalancer {
  readonly enabled?: boolean;
  readonly failover?: readonly { readonly from?: string; readonly to?: string }[];
  readonly failoverPriority?: readonly string[];
  readonly minClusterSize?: number;
}

export interface Warmup {
  readonly duration: string;
  /** 0 to 100. */
  readonly minimumPercent?: number;
  /** At least 1. */
  readonly aggression?: number;
}

export interface ConnectionPoolSettings {
  readonly tcp?: TCPSettings;
  readonly http?: HTTPSettings;
}

export interface TCPSettings {
  readonly maxConnections?: number;
  readonly connectTimeout?: string;
  readonly tcpKeepalive?: {
    readonly probes?: number;
    readonly time?: string;
    readonly interval?: string;
  };
  readonly maxConnectionDuration?: string;
  readonly idleTimeout?: string;
}

export interface HTTPSettings {
  readonly http1MaxPendingRequests?: number;
  readonly http2MaxRequests?: number;
  readonly maxRequestsPerConnection?: number;
  readonly maxRetries?: number;
  readonly idleTimeout?: string;
  readonly h2UpgradePolicy?: "DEFAULT" | "DO_NOT_UPGRADE" | "UPGRADE";
  readonly useClientProtocol?: boolean;
  readonly maxConcurrentStreams?: number;
  readonly http2KeepAlive?: { readonly interval?: string; readonly timeout?: string };
}

export interface OutlierDetection {
  /** Deprecated for `consecutive5xxErrors`. */
  readonly consecutiveErrors?: number;
  readonly splitExternalLocalOriginErrors?: boolean;
  readonly consecutiveLocalOriginFailures?: number;
  readonly consecutiveGatewayErrors?: number;
  readonly consecutive5xxErrors?: number;
  readonly interval?: string;
  readonly baseEjectionTime?: string;
  /** 0 to 100. */
  readonly maxEjectionPercent?: number;
  /** 0 to 100. */
  readonly minHealthPercent?: number;
  readonly outlierDetectionHttpErrorCodes?: readonly number[];
}

export interface ClientTLSSettings {
  readonly mode?: "DISABLE" | "SIMPLE" | "MUTUAL" | "ISTIO_MUTUAL";
  readonly clientCertificate?: string;
  readonly privateKey?: string;
  readonly caCertificates?: string;
  readonly credentialName?: string;
  readonly subjectAltNames?: readonly string[];
  readonly sni?: string;
  readonly insecureSkipVerify?: boolean;
  readonly caCrl?: string;
}
