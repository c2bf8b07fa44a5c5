/** HTTPRoute: requests matched by path, method, headers and query, and what becomes of them. */
import type {
  BackendObjectReference,
  BackendRef,
  LocalObjectReference,
  ParentReference,
} from "./reference.ts";

export interface HTTPRoute {
  readonly parentRefs?: readonly ParentReference[];
  readonly useDefaultGateways?: "All" | "None";
  readonly hostnames?: readonly string[];
  /** One rule for everything, without backends, where it is left out. */
  readonly rules?: readonly HTTPRouteRule[];
}

export interface HTTPRouteRule {
  readonly name?: string;
  readonly matches?: readonly HTTPRouteMatch[];
  readonly filters?: readonly HTTPRouteFilter[];
  readonly backendRefs?: readonly HTTPBackendRef[];
  readonly timeouts?: HTTPRouteTimeouts;
  readonly retry?: HTTPRouteRetry;
  readonly sessionPersistence?: SessionPersistence;
}

export interface HTTPRouteMatch {
  readonly path?: HTTPPathMatch;
  readonly headers?: readonly ValueMatch[];
  readonly queryParams?: readonly ValueMatch[];
  readonly method?: string;
}

export interface HTTPPathMatch {
  /** PathPrefix where it is left out. */
  readonly type?: "Exact" | "PathPrefix" | "RegularExpression";
  readonly value?: string;
}

/** A header or a query parameter. */
export interface ValueMatch {
  /** Exact where it is left out. */
  readonly type?: "Exact" | "RegularExpression";
  readonly name: string;
  readonly value: string;
}

export type HTTPRouteFilterType =
  | "RequestHeaderModifier"
  | "ResponseHeaderModifier"
  | "RequestMirror"
  | "RequestRedirect"
  | "URLRewrite"
  | "ExtensionRef"
  | "CORS"
  | "ExternalAuth";

export interface HTTPRouteFilter {
  readonly type: HTTPRouteFilterType;
  readonly requestHeaderModifier?: HTTPHeaderFilter;
  readonly responseHeaderModifier?: HTTPHeaderFilter;
  readonly requestMirror?: HTTPRequestMirrorFilter;
  readonly requestRedirect?: HTTPRequestRedirectFilter;
  readonly urlRewrite?: HTTPURLRewriteFilter;
  readonly cors?: HTTPCORSFilter;
  readonly externalAuth?: HTTPExternalAuthFilter;
  readonly extensionRef?: LocalObjectReference;
}

export interface HTTPHeaderFilter {
  readonly set?: readonly HTTPHeader[];
  readonly add?: readonly HTTPHeader[];
  readonly remove?: readonly string[];
}

export interface HTTPHeader {
  readonly name: string;
  readonly value: string;
}

export interface HTTPRequestMirrorFilter {
  readonly backendRef: BackendObjectReference;
  /** 0 to 100; all requests without this and `fraction`. */
  readonly percent?: number;
  readonly fraction?: { readonly numerator: number; readonly denominator?: number };
}

export interface HTTPRequestRedirectFilter {
  readonly scheme?: "http" | "https";
  readonly hostname?: string;
  readonly path?: HTTPPathModifier;
  readonly port?: number;
  /** 302 where it is left out. */
  readonly statusCode?: number;
}

export interface HTTPURLRewriteFilter {
  readonly hostname?: string;
  readonly path?: HTTPPathModifier;
}

export interface HTTPPathModifier {
  readonly type: "ReplaceFullPath" | "ReplacePrefixMatch";
  readonly replaceFullPath?: string;
  readonly replacePrefixMatch?: string;
}

export interface HTTPCORSFilter {
  readonly allowOrigins?: readonly string[];
  readonly allowCredentials?: boolean;
  readonly allowMethods?: readonly string[];
  readonly allowHeaders?: readonly string[];
  readonly exposeHeaders?: readonly string[];
  /** Seconds; 5 where it is left out. */
  readonly maxAge?: number;
}

export interface HTTPExternalAuthFilter {
  readonly protocol: "HTTP" | "GRPC";
  readonly backendRef: BackendObjectReference;
  readonly grpc?: { readonly allowedHeaders?: readonly string[] };
  readonly http?: {
    readonly path?: string;
    readonly allowedHeaders?: readonly string[];
    readonly allowedResponseHeaders?: readonly string[];
  };
  readonly forwardBody?: { readonly maxSize?: number };
}

export interface HTTPBackendRef extends BackendRef {
  readonly filters?: readonly HTTPRouteFilter[];
}

export interface HTTPRouteTimeouts {
  /** `0s` switches it off. */
  readonly request?: string;
  readonly backendRequest?: string;
}

export interface HTTPRouteRetry {
  readonly codes?: readonly number[];
  readonly attempts?: number;
  readonly backoff?: string;
}

export interface SessionPersistence {
  /** Cookie where it is left out. */
  readonly type?: "Cookie" | "Header";
  readonly absoluteTimeout?: string;
  readonly cookie?: {
    readonly name?: string;
    /** Session where it is left out. */
    readonly lifetimeType?: "Permanent" | "Session";
    readonly path?: string;
  };
  readonly header?: { readonly name: string };
}
