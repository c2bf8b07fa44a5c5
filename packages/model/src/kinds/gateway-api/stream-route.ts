/** TLSRoute, TCPRoute and UDPRoute: connections and datagrams, which nobody looks into. */
import type { BackendRef, ParentReference } from "./reference.ts";

export interface TLSRoute {
  readonly parentRefs?: readonly ParentReference[];
  readonly useDefaultGateways?: "All" | "None";
  /** Server names; required since v1. */
  readonly hostnames?: readonly string[];
  readonly rules: readonly StreamRule[];
}

/** TCPRoute and UDPRoute have the same fields. */
export interface StreamRoute {
  readonly parentRefs?: readonly ParentReference[];
  readonly useDefaultGateways?: "All" | "None";
  readonly rules: readonly StreamRule[];
}

export interface StreamRule {
  readonly name?: string;
  readonly backendRefs?: readonly BackendRef[];
}
