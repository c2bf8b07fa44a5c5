/** GRPCRoute: gRPC calls matched by service, method and headers. */
import type { HTTPRouteFilter, SessionPersistence, ValueMatch } from "./http-route.ts";
import type { BackendRef, ParentReference } from "./reference.ts";

export interface GRPCRoute {
  readonly parentRefs?: readonly ParentReference[];
  readonly useDefaultGateways?: "All" | "None";
  readonly hostnames?: readonly string[];
  readonly rules?: readonly GRPCRouteRule[];
}

export interface GRPCRouteRule {
  readonly name?: string;
  readonly matches?: readonly GRPCRouteMatch[];
  readonly filters?: readonly GRPCRouteFilter[];
  readonly backendRefs?: readonly GRPCBackendRef[];
  readonly sessionPersistence?: SessionPersistence;
}

export interface GRPCRouteMatch {
  readonly method?: GRPCMethodMatch;
  readonly headers?: readonly ValueMatch[];
}

export interface GRPCMethodMatch {
  /** Exact where it is left out. */
  readonly type?: "Exact" | "RegularExpression";
  /** `package.Service`; all where it is left out. */
  readonly service?: string;
  readonly method?: string;
}

/** The filters that make sense for gRPC have the same fields as HTTPRoute's. */
export type GRPCRouteFilter = Pick<
  HTTPRouteFilter,
  "requestHeaderModifier" | "responseHeaderModifier" | "requestMirror" | "extensionRef"
> & {
  readonly type:
    | "RequestHeaderModifier"
    | "ResponseHeaderModifier"
    | "RequestMirror"
    | "ExtensionRef";
};

export interface GRPCBackendRef extends BackendRef {
  readonly filters?: readonly GRPCRouteFilter[];
}
