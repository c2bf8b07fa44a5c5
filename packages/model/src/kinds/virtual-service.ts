/** VirtualService of networking.istio.io: where requests for a host go. */
import type { Destination } from "./destination.ts";

export interface VirtualService {
  readonly hosts?: readonly string[];
  /** `mesh`, or `name` / `namespace/name` of gateways; without it `mesh` alone. */
  readonly gateways?: readonly string[];
  readonly http?: readonly HTTPRoute[];
  readonly tls?: readonly TLSRoute[];
  readonly tcp?: readonly TCPRoute[];
  readonly exportTo?: readonly string[];
}

export interface HTTPRoute {
  readonly name?: string;
  readonly match?: readonly HTTPMatchRequest[];
  readonly route?: readonly HTTPRouteDestination[];
  readonly redirect?: HTTPRedirect;
  readonly directResponse?: HTTPDirectResponse;
  readonly delegate?: Delegate;
  readonly rewrite?: HTTPRewrite;
  /** At least 1 ms; none where it is left out. */
  readonly timeout?: string;
  readonly retries?: HTTPRetry;
  readonly fault?: HTTPFaultInjection;
  readonly mirror?: Destination;
  readonly mirrors?: readonly HTTPMirrorPolicy[];
  /** Deprecated for `mirrorPercentage`; 0 to 100. */
  readonly mirrorPercent?: number;
  readonly mirrorPercentage?: Percent;
  readonly corsPolicy?: CorsPolicy;
  readonly headers?: Headers;
}

/** Exactly one of the three. */
export type StringMatch =
  | { readonly exact: string; readonly prefix?: never; readonly regex?: never }
  | { readonly prefix: string; readonly exact?: never; readonly regex?: never }
  | { readonly regex: string; readonly exact?: never; readonly prefix?: never };

/** Any value at all: what Istio understands by `{}`, the header or parameter being there. */
export type PresentMatch = {
  readonly exact?: never;
  readonly prefix?: never;
  readonly regex?: never;
};

export interface HTTPMatchRequest {
  readonly name?: string;
  readonly uri?: StringMatch;
  readonly scheme?: StringMatch;
  readonly method?: StringMatch;
  readonly authority?: StringMatch;
  readonly headers?: Readonly<Record<string, StringMatch | PresentMatch>>;
  readonly port?: number;
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly gateways?: readonly string[];
  readonly queryParams?: Readonly<Record<string, StringMatch | PresentMatch>>;
  readonly ignoreUriCase?: boolean;
  readonly withoutHeaders?: Readonly<Record<string, StringMatch | PresentMatch>>;
  readonly sourceNamespace?: string;
  readonly statPrefix?: string;
}

export interface HTTPRouteDestination {
  readonly destination: Destination;
  /** Share among the weights of the route; a lone destination without one takes all. */
  readonly weight?: number;
  readonly headers?: Headers;
}

export interface Delegate {
  readonly name?: string;
  readonly namespace?: string;
}

export interface Headers {
  readonly request?: HeaderOperations;
  readonly response?: HeaderOperations;
}

export interface HeaderOperations {
  readonly set?: Readonly<Record<string, string>>;
  readonly add?: Readonly<Record<string, string>>;
  readonly remove?: readonly string[];
}

export interface HTTPRedirect {
  readonly uri?: string;
  readonly authority?: string;
  readonly port?: number;
  readonly derivePort?: "FROM_PROTOCOL_DEFAULT" | "FROM_REQUEST_PORT";
  readonly scheme?: string;
  readonly redirectCode?: number;
  readonly prefixRewrite?: string;
}

export interface HTTPDirectResponse {
  readonly status: number;
  readonly body?: HTTPBody;
}

/** Exactly one of the two. */
export interface HTTPBody {
  readonly string?: string;
  /** Base64. */
  readonly bytes?: string;
}

export interface HTTPRewrite {
  readonly uri?: string;
  readonly authority?: string;
  readonly uriRegexRewrite?: RegexRewrite;
}

export interface RegexRewrite {
  readonly match?: string;
  readonly rewrite?: string;
}

export interface HTTPRetry {
  /** 0 turns retries off. */
  readonly attempts?: number;
  readonly perTryTimeout?: string;
  /** Comma-separated conditions and status codes. */
  readonly retryOn?: string;
  readonly retryRemoteLocalities?: boolean;
  readonly retryIgnorePreviousHosts?: boolean;
  readonly backoff?: string;
}

export interface CorsPolicy {
  /** Deprecated for `allowOrigins`. */
  readonly allowOrigin?: readonly string[];
  readonly allowOrigins?: readonly StringMatch[];
  readonly allowMethods?: readonly string[];
  readonly allowHeaders?: readonly string[];
  readonly exposeHeaders?: readonly string[];
  readonly maxAge?: string;
  readonly allowCredentials?: boolean;
  readonly unmatchedPreflights?: "UNSPECIFIED" | "FORWARD" | "IGNORE";
}

export interface HTTPFaultInjection {
  readonly delay?: FaultDelay;
  readonly abort?: FaultAbort;
}

export interface FaultDelay {
  /** Deprecated for `percentage`; 0 to 100. */
  readonly percent?: number;
  readonly fixedDelay?: string;
  readonly exponentialDelay?: string;
  readonly percentage?: Percent;
}

export interface FaultAbort {
  readonly httpStatus?: number;
  readonly grpcStatus?: string;
  readonly http2Error?: string;
  readonly percentage?: Percent;
}

export interface HTTPMirrorPolicy {
  readonly destination: Destination;
  readonly percentage?: Percent;
}

/** 0 to 100, fractions down to 0.0001. Absent means 100, an empty one 0. */
export interface Percent {
  readonly value?: number;
}

export interface TLSRoute {
  readonly match: readonly TLSMatchAttributes[];
  readonly route?: readonly RouteDestination[];
}

export interface TLSMatchAttributes {
  readonly sniHosts: readonly string[];
  readonly destinationSubnets?: readonly string[];
  readonly port?: number;
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly gateways?: readonly string[];
  readonly sourceNamespace?: string;
}

export interface TCPRoute {
  readonly match?: readonly L4MatchAttributes[];
  readonly route?: readonly RouteDestination[];
}

export interface L4MatchAttributes {
  readonly destinationSubnets?: readonly string[];
  readonly port?: number;
  readonly sourceSubnet?: string;
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly gateways?: readonly string[];
  readonly sourceNamespace?: string;
}

export interface RouteDestination {
  readonly destination: Destination;
  readonly weight?: number;
}
