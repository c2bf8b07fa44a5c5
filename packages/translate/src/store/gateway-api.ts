/** Objects of the Gateway API by what refers to them: routes by parent, ListenerSets by Gateway, grants, policies. */
import {
  byAgeAndKind,
  type GatewayApi,
  gatewayApiPlaces,
  type MeshObject,
  placeOf,
  ROUTE_KINDS,
  type RouteObject,
} from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import type { ModelIndex } from "./index-of.ts";
import { Multimap } from "./multimap.ts";
import { Tracked } from "./tracked.ts";

const GROUP = "gateway.networking.k8s.io";

export class GatewayApiObjects implements ModelIndex {
  readonly kinds = [
    ...ROUTE_KINDS.map((kind) => `${GROUP}/${kind}`),
    `${GROUP}/Gateway`,
    `${GROUP}/ListenerSet`,
    "gateway.networking.x-k8s.io/XListenerSet",
    `${GROUP}/ReferenceGrant`,
    `${GROUP}/BackendTLSPolicy`,
  ];
  readonly #filed = new Multimap<MeshObject>(byAgeAndKind);
  readonly #places: Tracked<readonly MeshObject[]>;

  constructor(claims: Claims) {
    this.#places = new Tracked(claims, "model/gateway-api", (place) => this.#filed.get(place));
  }

  /** Routes that name a parent, oldest first. */
  routes(parent: string): readonly RouteObject[] {
    return this.#places.read(placeOf.routes(parent)) as readonly RouteObject[];
  }

  routesTo(service: string): readonly RouteObject[] {
    return this.#places.read(placeOf.routesTo(service)) as readonly RouteObject[];
  }

  defaultedRoutes(): readonly RouteObject[] {
    return this.#places.read(placeOf.defaultedRoutes()) as readonly RouteObject[];
  }

  defaultGateways(): readonly MeshObject<GatewayApi.Gateway>[] {
    return this.#places.read(
      placeOf.defaultGateways(),
    ) as readonly MeshObject<GatewayApi.Gateway>[];
  }

  listenerSets(gateway: string): readonly MeshObject<GatewayApi.ListenerSet>[] {
    return this.#places.read(
      placeOf.listenerSets(gateway),
    ) as readonly MeshObject<GatewayApi.ListenerSet>[];
  }

  referenceGrants(namespace: string): readonly MeshObject<GatewayApi.ReferenceGrant>[] {
    return this.#places.read(
      placeOf.referenceGrants(namespace),
    ) as readonly MeshObject<GatewayApi.ReferenceGrant>[];
  }

  backendTlsPolicies(service: string): readonly MeshObject<GatewayApi.BackendTLSPolicy>[] {
    return this.#places.read(
      placeOf.backendTlsPolicies(service),
    ) as readonly MeshObject<GatewayApi.BackendTLSPolicy>[];
  }

  /** Gateways that are served by the proxies behind a Service, which they name as their address. */
  gatewaysAt(host: string): readonly MeshObject<GatewayApi.Gateway>[] {
    return this.#places.read(placeOf.gatewaysAt(host)) as readonly MeshObject<GatewayApi.Gateway>[];
  }

  change(before: MeshObject | undefined, after: MeshObject | undefined): void {
    if (before !== undefined) this.#each(before, "remove");
    if (after !== undefined) this.#each(after, "add");
  }

  flush(): void {
    this.#places.flush();
  }

  #each(object: MeshObject, verb: "add" | "remove"): void {
    for (const place of new Set(gatewayApiPlaces(object))) {
      this.#filed[verb](place, object);
      this.#places.touch(place);
    }
  }
}
