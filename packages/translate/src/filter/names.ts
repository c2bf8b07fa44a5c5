/** Names of filters; routes refer to them for their own configuration. */

export const PEER_METADATA_FILTER = "heddle.peer_metadata";
/** Its name is that of the metadata which it leaves, and of its configuration. */
export const JWT_FILTER = "envoy.filters.http.jwt_authn";
/** Where the claims of a valid token stand in that metadata. */
export const TOKEN_PAYLOAD = "payload";
export const CORS_FILTER = "envoy.filters.http.cors";
export const FAULT_FILTER = "envoy.filters.http.fault";
export const LOCAL_RATE_LIMIT_FILTER = "envoy.filters.http.local_ratelimit";
export const GLOBAL_RATE_LIMIT_FILTER = "envoy.filters.http.ratelimit";
export const ADMISSION_CONTROL_FILTER = "envoy.filters.http.admission_control";
export const ADAPTIVE_CONCURRENCY_FILTER = "envoy.filters.http.adaptive_concurrency";
/** Holds the filters that a route brings along. */
export const ROUTE_FILTERS = "heddle.route_filters";
export const FALLBACK_RESPONSE_FILTER = "heddle.fallback_response";
/** Istio's names, by which EnvoyFilters find them; a listener may have several of each. */
export const RBAC_FILTER = "envoy.filters.http.rbac";
export const EXT_AUTHZ_FILTER = "envoy.filters.http.ext_authz";
export const NETWORK_RBAC_FILTER = "envoy.filters.network.rbac";
export const NETWORK_EXT_AUTHZ_FILTER = "envoy.filters.network.ext_authz";
export const ROUTER_FILTER = "envoy.filters.http.router";
export const SESSION_FILTER = "envoy.filters.http.stateful_session";
export const GRPC_STATS_FILTER = "envoy.filters.http.grpc_stats";
