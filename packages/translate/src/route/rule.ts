/** Where a rule is being applied, and the interface that every route feature has. */
import type { Route } from "@heddle/envoy/config/route/v3";
import type { HttpRule, RuleSet } from "../form/rule-set.ts";
import type { ClientView, ModelReader } from "../read.ts";

/** Where a rule is being applied. */
export interface RuleContext {
  readonly read: ModelReader;
  readonly view: ClientView;
  readonly rules: RuleSet;
  /** The port that clients address: a service's or a gateway server's. Destinations without a port fall back on it. */
  readonly port: number;
  /** The listener terminates TLS. */
  readonly tls: boolean;
  /** `mesh`, or `namespace/name` of the gateways that the listener serves. */
  readonly gateways: ReadonlySet<string>;
  /** For gRPC's own clients, which refuse what they do not know: no fallbacks. */
  readonly plain?: boolean;
}

/**
 * One thing that a rule can ask of a route. `apply` returns the route with that thing added, or the same route when the
 * rule does not ask for it; it never looks at what another feature added unless the table says that the other runs first.
 */
export interface RouteFeature {
  readonly name: string;
  apply(route: Route, rule: HttpRule, context: RuleContext): Route;
}
