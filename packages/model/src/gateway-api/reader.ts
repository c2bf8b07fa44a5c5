/** What decisions about the Gateway API ask of a mesh; each question is by key, so that whoever answers can track it. */
import type * as GatewayApi from "../kinds/gateway-api/index.ts";
import { type MeshObject, objectKey } from "../object.ts";
import type { ServiceModel } from "../registry/types.ts";
import type { ListenerEntry } from "./listeners.ts";
import type { Revision } from "./revision.ts";

export const GATEWAY_API = "gateway.networking.k8s.io";
export const EXPERIMENTAL_GATEWAY_API = "gateway.networking.x-k8s.io";

export interface GatewayApiReader {
  readonly clusterDomain: string;
  /** The installation that asks. */
  readonly revision: Revision;
  /** Whether Secrets and ConfigMaps are known at all: what is not known is not missing. */
  readonly knowsSecrets: boolean;
  /** Whether services are known at all. */
  readonly knowsServices: boolean;
  /** See `ofMeshRoutes`. */
  readonly needsNoGrants?: true;
  object<Spec>(key: string): MeshObject<Spec> | undefined;
  /** By its full host. */
  service(host: string): ServiceModel | undefined;
  /** Routes that name a parent, `parentKey`, oldest first. */
  routes(parent: string): readonly RouteObject[];
  /** Routes that lead to a Service `namespace/name`, oldest first. */
  routesTo(service: string): readonly RouteObject[];
  /** Routes that ask for default Gateways, oldest first. */
  defaultedRoutes(): readonly RouteObject[];
  /** Gateways that these attach to, oldest first. */
  defaultGateways(): readonly MeshObject<GatewayApi.Gateway>[];
  /** ListenerSets that name a Gateway `namespace/name`, oldest first. */
  listenerSets(gateway: string): readonly MeshObject<GatewayApi.ListenerSet>[];
  /** Grants of one namespace. */
  referenceGrants(namespace: string): readonly MeshObject<GatewayApi.ReferenceGrant>[];
  /** Policies that name a Service `namespace/name`, oldest first. */
  backendTlsPolicies(service: string): readonly MeshObject<GatewayApi.BackendTLSPolicy>[];
  /** What `listenersOf` says of a Gateway `namespace/name`, made once. */
  listeners(gateway: string): readonly ListenerEntry[];
  /** What `routeRivalsOf` says of a parent, `parentKey`, made once. */
  routeRivals(parent: string): RivalRoutes;
}

export type RouteKind = "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute" | "UDPRoute";

export const ROUTE_KINDS: readonly RouteKind[] = [
  "HTTPRoute",
  "GRPCRoute",
  "TLSRoute",
  "TCPRoute",
  "UDPRoute",
];

/** A route of any kind, as far as parents are concerned. */
export type RouteObject = MeshObject<{
  readonly parentRefs?: readonly GatewayApi.ParentReference[];
  readonly useDefaultGateways?: "All" | "None";
  readonly hostnames?: readonly string[];
  readonly rules?: readonly unknown[];
}>;

/** The route that was there first, by the `rivalKey` of a later one that a listener does not take because of it. */
export type RivalRoutes = ReadonlyMap<string, RouteObject>;

/** By a route and the name of a listener of the parent. */
export function rivalKey(route: RouteObject, listener: string): string {
  return `${listener} ${objectKey(route)}`;
}

/** The key of the route in a `rivalKey`; names of listeners have no spaces. */
export function routeOfRival(rival: string): string {
  return rival.slice(rival.indexOf(" ") + 1);
}

/** `Gateway/namespace/name`; kinds of other groups than the Gateway API's and Kubernetes' own have the group in front. */
export function parentKey(
  { group = GATEWAY_API, kind = "Gateway", namespace, name }: GatewayApi.ParentReference,
  ownNamespace: string,
): string {
  const known =
    group === GATEWAY_API || (group === "" && kind === "Service") ? kind : `${group}/${kind}`;
  return `${known}/${namespace ?? ownNamespace}/${name}`;
}
