/** The parts of a VirtualService that routes are made of, and the interface that every route feature has. */
import type { MeshObject, VirtualService } from "@heddle/model";
import type { Route } from "@heddle/envoy/config/route/v3";
import type { ClientView, ModelReader } from "../read.ts";

export type HttpRule = NonNullable<VirtualService["http"]>[number];
export type HttpMatch = NonNullable<HttpRule["match"]>[number];
export type HttpDestination = NonNullable<HttpRule["route"]>[number];
export type Destination = HttpDestination["destination"];

/** Where a rule is being applied. */
export interface RuleContext {
  readonly read: ModelReader;
  readonly view: ClientView;
  readonly virtualService: MeshObject<VirtualService>;
  /** The port that clients address: a service's or a gateway server's. Destinations without a port fall back on it. */
  readonly port: number;
  /** The listener terminates TLS. */
  readonly tls: boolean;
  /** `mesh`, or `namespace/name` of the gateways that the listener serves. */
  readonly gateways: ReadonlySet<string>;
}

/**
 * One thing that a rule can ask of a route. `apply` returns the route with that thing added, or the same route when the
 * rule does not ask for it; it never looks at what another feature added unless the table says that the other runs first.
 */
export interface RouteFeature {
  readonly name: string;
  apply(route: Route, rule: HttpRule, context: RuleContext): Route;
}
