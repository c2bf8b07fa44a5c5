/** What a route that delegates becomes: joined with each route of the delegate, as Istio joins them. */
import { resolveHost } from "../host.ts";
import type { Destination } from "../kinds/destination.ts";
import type {
  HTTPMatchRequest,
  HTTPRoute,
  PresentMatch,
  StringMatch,
  VirtualService,
} from "../kinds/virtual-service.ts";
import type { MeshObject } from "../object.ts";
import { gatewayReference } from "./virtual-service.ts";
import { isVisible } from "./visibility.ts";

/** Namespace and name of the VirtualService that a route delegates to; undefined for a route that answers by itself. */
export function delegateOf(
  route: HTTPRoute,
  rootNamespace: string,
): { readonly namespace: string; readonly name: string } | undefined {
  if (route.delegate === undefined) return undefined;
  const { name = "", namespace } = route.delegate;
  return { namespace: namespace || rootNamespace, name };
}

/** Why nothing is delegated; the route then counts as if it were not there. */
export type DelegateProblem =
  /** There is no such VirtualService. */
  | "missing"
  /** It has hosts, and so is a rule by itself. */
  | "not a delegate"
  /** Its `exportTo` leaves the root's namespace out. */
  | "not exported";

/** Undefined where all is well. */
export function delegateProblem(
  delegate: MeshObject<VirtualService> | undefined,
  rootNamespace: string,
): DelegateProblem | undefined {
  if (delegate === undefined) return "missing";
  const { spec, metadata } = delegate;
  if ((spec.hosts ?? []).length > 0) return "not a delegate";
  return isVisible(spec.exportTo, metadata.namespace, rootNamespace) ? undefined : "not exported";
}

export interface Delegated {
  /** Names of hosts and gateways are full ones. */
  readonly routes: readonly HTTPRoute[];
  /** Positions of the delegate's routes whose matches are not among the root route's: they are left out. */
  readonly conflicts: readonly number[];
}

/**
 * The routes of a delegate below a route of the root: each takes what it does not say itself from the root's, and matches
 * what both match. Delegates do not delegate further.
 */
export function delegatedRoutes(
  root: HTTPRoute,
  rootNamespace: string,
  delegate: MeshObject<VirtualService>,
  clusterDomain: string,
): Delegated {
  const above = resolved(root, rootNamespace, clusterDomain);
  const routes: HTTPRoute[] = [];
  const conflicts: number[] = [];
  for (const [position, route] of (delegate.spec.http ?? []).entries()) {
    if (route.delegate !== undefined) continue;
    const below = resolved(route, delegate.metadata.namespace, clusterDomain);
    const match = joinMatches(above.match ?? [], below.match ?? []);
    if (match === undefined) conflicts.push(position);
    else routes.push(join(above, below, match));
  }
  return { routes, conflicts };
}

/** With full names, which mean the same in every namespace. */
function resolved(route: HTTPRoute, namespace: string, clusterDomain: string): HTTPRoute {
  const { match, route: to, mirror, mirrors } = route;
  const full = (destination: Destination): Destination => ({
    ...destination,
    host: resolveHost(destination.host, namespace, clusterDomain),
  });
  return {
    ...route,
    ...(match ? { match: match.map((each) => withFullGateways(each, namespace)) } : {}),
    ...(to ? { route: to.map((each) => ({ ...each, destination: full(each.destination) })) } : {}),
    ...(mirror ? { mirror: full(mirror) } : {}),
    ...(mirrors
      ? { mirrors: mirrors.map((each) => ({ ...each, destination: full(each.destination) })) }
      : {}),
  };
}

function withFullGateways(match: HTTPMatchRequest, namespace: string): HTTPMatchRequest {
  const { gateways } = match;
  if (gateways === undefined) return match;
  return { ...match, gateways: gateways.map((name) => gatewayReference(name, namespace)) };
}

/** Fields, not values: a delegate's header operations stand in for the root's as a whole. */
function join(root: HTTPRoute, below: HTTPRoute, match: readonly HTTPMatchRequest[]): HTTPRoute {
  const {
    delegate: _delegate,
    match: _match,
    route: _route,
    redirect: _redirect,
    ...inherited
  } = root;
  const name = joinNames(root.name, below.name);
  return {
    ...inherited,
    ...below,
    ...(name ? { name } : {}),
    ...(match.length > 0 ? { match } : {}),
  };
}

function joinNames(root: string | undefined, below: string | undefined): string | undefined {
  return root && below ? `${root}-${below}` : below || root;
}

/** Undefined where a match of the delegate is within none of the root's. */
function joinMatches(
  root: readonly HTTPMatchRequest[],
  below: readonly HTTPMatchRequest[],
): readonly HTTPMatchRequest[] | undefined {
  if (root.length === 0) return below;
  if (below.length === 0) return root;
  const joined: HTTPMatchRequest[] = [];
  for (const match of below) {
    const over = root.filter((each) => !conflict(each, match));
    if (over.length === 0) return undefined;
    for (const each of over) joined.push(joinMatch(each, match));
  }
  return joined;
}

function joinMatch(root: HTTPMatchRequest, below: HTTPMatchRequest): HTTPMatchRequest {
  const name = joinNames(root.name, below.name);
  const maps = ["headers", "withoutHeaders", "queryParams", "sourceLabels"] as const;
  return {
    ...root,
    ...below,
    ...(name ? { name } : {}),
    ...Object.fromEntries(
      maps.flatMap((field) =>
        root[field] || below[field] ? [[field, { ...root[field], ...below[field] }]] : [],
      ),
    ),
    ...(root.port && !below.port ? { port: root.port } : {}),
    ...(root.gateways && !below.gateways?.length ? { gateways: root.gateways } : {}),
  };
}

type Match = StringMatch | PresentMatch;

/** Whether what the delegate's match asks for is not within what the root's does. */
function conflict(root: HTTPMatchRequest, below: HTTPMatchRequest): boolean {
  const texts = ["uri", "scheme", "method", "authority"] as const;
  if (texts.some((field) => textConflict(root[field], below[field]))) return true;
  const maps = ["headers", "withoutHeaders", "queryParams"] as const;
  for (const field of maps) {
    for (const [key, value] of Object.entries(below[field] ?? {})) {
      if (textConflict(root[field]?.[key], value)) return true;
    }
  }
  if ((root.ignoreUriCase ?? false) !== (below.ignoreUriCase ?? false)) return true;
  if (root.port && below.port && root.port !== below.port) return true;
  // Istio asks this of the delegate even where it says nothing.
  if (root.sourceNamespace && below.sourceNamespace !== root.sourceNamespace) return true;
  for (const [key, value] of Object.entries(below.sourceLabels ?? {})) {
    const above = root.sourceLabels?.[key];
    if (above !== undefined && above !== value) return true;
  }
  const above = root.gateways ?? [];
  return above.length > 0 && (below.gateways ?? []).some((name) => !above.includes(name));
}

/** An exact value or a prefix covers what begins with it; regular expressions are compared with nothing. */
function textConflict(root: Match | undefined, below: Match | undefined): boolean {
  if (root === undefined || below === undefined) return false;
  if (root.regex || below.regex) return true;
  if (root.exact) return below.exact !== root.exact;
  const inner = below.prefix || below.exact;
  return !root.prefix || !inner || !inner.startsWith(root.prefix);
}
