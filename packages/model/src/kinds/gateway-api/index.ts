/** Kinds of the Kubernetes Gateway API, by the names that it has for them; import them as `GatewayApi`. */
export type * from "./gateway.ts";
export type * from "./grpc-route.ts";
export type * from "./http-route.ts";
export type * from "./policy.ts";
export type * from "./reference.ts";
export type * from "./stream-route.ts";
