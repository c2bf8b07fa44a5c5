/** EnvoyFilter of networking.istio.io: changes to the Envoy configuration that a proxy is given. */
import type { WorkloadLabels } from "./destination.ts";
import type { PolicyTargetReference } from "./policy-target.ts";

export interface EnvoyFilter {
  /** At most one of workloadSelector and targetRefs. */
  readonly workloadSelector?: WorkloadLabels;
  readonly targetRefs?: readonly PolicyTargetReference[];
  readonly configPatches?: readonly EnvoyConfigObjectPatch[];
  /** Lower ones first, may be negative; 0 where it is left out. */
  readonly priority?: number;
}

export interface EnvoyConfigObjectPatch {
  readonly applyTo?: ApplyTo;
  readonly match?: EnvoyConfigObjectMatch;
  readonly patch?: Patch;
}

export type ApplyTo =
  | "INVALID"
  | "LISTENER"
  | "FILTER_CHAIN"
  | "NETWORK_FILTER"
  | "HTTP_FILTER"
  | "ROUTE_CONFIGURATION"
  | "VIRTUAL_HOST"
  | "HTTP_ROUTE"
  | "CLUSTER"
  | "EXTENSION_CONFIG"
  | "BOOTSTRAP"
  | "LISTENER_FILTER";

export type PatchContext = "ANY" | "SIDECAR_INBOUND" | "SIDECAR_OUTBOUND" | "GATEWAY" | "WAYPOINT";

/** At most one of listener, routeConfiguration, cluster and waypoint. */
export interface EnvoyConfigObjectMatch {
  /** ANY where it is left out. */
  readonly context?: PatchContext;
  readonly proxy?: ProxyMatch;
  readonly listener?: ListenerMatch;
  readonly routeConfiguration?: RouteConfigurationMatch;
  readonly cluster?: ClusterMatch;
  readonly waypoint?: WaypointMatch;
}

export interface ProxyMatch {
  /** A regular expression (RE2) for the version that a proxy says it has. */
  readonly proxyVersion?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface ListenerMatch {
  readonly portNumber?: number;
  /** Of no effect in Istio. */
  readonly portName?: string;
  readonly filterChain?: FilterChainMatch;
  readonly listenerFilter?: string;
  readonly name?: string;
}

export interface FilterChainMatch {
  readonly name?: string;
  readonly sni?: string;
  readonly transportProtocol?: string;
  /** Comma-separated. */
  readonly applicationProtocols?: string;
  readonly filter?: FilterMatch;
  readonly destinationPort?: number;
  /** Name of the chain's transport socket, such as envoy.transport_sockets.tls. */
  readonly transportSocket?: string;
}

export interface FilterMatch {
  readonly name?: string;
  readonly subFilter?: { readonly name?: string };
}

export interface RouteConfigurationMatch {
  readonly portNumber?: number;
  readonly portName?: string;
  /** `namespace/name` of a Gateway. */
  readonly gateway?: string;
  readonly vhost?: VirtualHostMatch;
  readonly name?: string;
}

export interface VirtualHostMatch {
  readonly name?: string;
  readonly domainName?: string;
  readonly route?: {
    readonly name?: string;
    readonly action?: "ANY" | "ROUTE" | "REDIRECT" | "DIRECT_RESPONSE";
  };
}

export interface ClusterMatch {
  readonly portNumber?: number;
  readonly service?: string;
  readonly subset?: string;
  readonly name?: string;
}

export interface WaypointMatch {
  readonly portNumber?: number;
  readonly filter?: FilterMatch;
  readonly route?: { readonly name?: string };
}

export type PatchOperation =
  | "INVALID"
  | "MERGE"
  | "ADD"
  | "REMOVE"
  | "INSERT_BEFORE"
  | "INSERT_AFTER"
  | "INSERT_FIRST"
  | "REPLACE"
  | "MERGE_AND_REPLACE_LIST";

export interface Patch {
  readonly operation?: PatchOperation;
  /** Part of an Envoy resource, in protobuf JSON; field names in either case. */
  readonly value?: Readonly<Record<string, unknown>>;
  readonly filterClass?: "UNSPECIFIED" | "AUTHN" | "AUTHZ" | "STATS";
}
