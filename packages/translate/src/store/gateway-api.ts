/** Objects of the Gateway API by what refers to them: routes by parent, ListenerSets by Gateway, grants, policies. */
import {
  byAge,
  type GatewayApi,
  type MeshObject,
  parentKey,
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
  readonly #filed = new Multimap<MeshObject>(byKindAndAge);
  readonly #places: Tracked<readonly MeshObject[]>;

  constructor(claims: Claims) {
    this.#places = new Tracked(claims, (place) => this.#filed.get(place));
  }

  /** Routes that name a parent, oldest first. */
  routes(parent: string): readonly RouteObject[] {
    return this.#places.read(`route ${parent}`) as readonly RouteObject[];
  }

  listenerSets(gateway: string): readonly MeshObject<GatewayApi.ListenerSet>[] {
    return this.#places.read(`set ${gateway}`) as readonly MeshObject<GatewayApi.ListenerSet>[];
  }

  referenceGrants(namespace: string): readonly MeshObject<GatewayApi.ReferenceGrant>[] {
    return this.#places.read(
      `grant ${namespace}`,
    ) as readonly MeshObject<GatewayApi.ReferenceGrant>[];
  }

  backendTlsPolicies(service: string): readonly MeshObject<GatewayApi.BackendTLSPolicy>[] {
    return this.#places.read(
      `tls ${service}`,
    ) as readonly MeshObject<GatewayApi.BackendTLSPolicy>[];
  }

  /** Gateways that are served by the proxies behind a Service, which they name as their address. */
  gatewaysAt(host: string): readonly MeshObject<GatewayApi.Gateway>[] {
    return this.#places.read(`address ${host}`) as readonly MeshObject<GatewayApi.Gateway>[];
  }

  change(before: MeshObject | undefined, after: MeshObject | undefined): void {
    if (before !== undefined) this.#each(before, "remove");
    if (after !== undefined) this.#each(after, "add");
  }

  flush(): void {
    this.#places.flush();
  }

  #each(object: MeshObject, verb: "add" | "remove"): void {
    for (const place of new Set(placesOf(object))) {
      this.#filed[verb](place, object);
      this.#places.touch(place);
    }
  }
}

function placesOf({ kind, metadata, spec }: MeshObject): readonly string[] {
  const { namespace } = metadata;
  switch (kind) {
    case "Gateway": {
      const { addresses = [] } = spec as GatewayApi.Gateway;
      return addresses.flatMap(({ type, value }) =>
        type === "Hostname" && value ? [`address ${value.toLowerCase()}`] : [],
      );
    }
    case "ListenerSet":
    case "XListenerSet": {
      const { parentRef } = spec as GatewayApi.ListenerSet;
      return [`set ${parentRef.namespace ?? namespace}/${parentRef.name}`];
    }
    case "ReferenceGrant":
      return [`grant ${namespace}`];
    case "BackendTLSPolicy":
      return (spec as GatewayApi.BackendTLSPolicy).targetRefs.flatMap(({ group, kind: of, name }) =>
        group === "" && of === "Service" ? [`tls ${namespace}/${name}`] : [],
      );
    default:
      return ((spec as RouteObject["spec"]).parentRefs ?? []).map(
        (parent) => `route ${parentKey(parent, namespace)}`,
      );
  }
}

/** Routes of two kinds may have one name: the kind breaks the tie. */
function byKindAndAge(a: MeshObject, b: MeshObject): number {
  return byAge(a, b) || (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0);
}
