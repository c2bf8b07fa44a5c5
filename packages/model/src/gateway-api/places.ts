/** Under what names an object of the Gateway API is looked for: by the objects that it refers to, or that refer to it. */
import type * as GatewayApi from "../kinds/gateway-api/index.ts";
import { byAge, type MeshObject } from "../object.ts";
import { GATEWAY_API, parentKey, type RouteObject } from "./reader.ts";

export const placeOf = {
  /** Routes of a parent, by `parentKey`. */
  routes: (parent: string) => `route ${parent}`,
  /** ListenerSets of a Gateway `namespace/name`. */
  listenerSets: (gateway: string) => `listener set ${gateway}`,
  referenceGrants: (namespace: string) => `grant ${namespace}`,
  /** Policies of a Service `namespace/name`. */
  backendTlsPolicies: (service: string) => `backend tls ${service}`,
  /** Routes that lead to a Service `namespace/name`. */
  routesTo: (service: string) => `routes to ${service}`,
  /** Routes that ask for whatever Gateways are default. */
  defaultedRoutes: () => "defaulted routes",
  /** Gateways that such routes attach to. */
  defaultGateways: () => "default gateways",
  /** Gateways that name a service as their address. */
  gatewaysAt: (host: string) => `gateway address ${host}`,
} as const;

/** Empty for objects of other APIs. */
export function gatewayApiPlaces({ apiVersion, kind, metadata, spec }: MeshObject): string[] {
  if (!apiVersion.startsWith("gateway.networking.")) return [];
  const { namespace } = metadata;
  switch (kind) {
    case "GatewayClass":
      return [];
    case "Gateway": {
      const { addresses = [], defaultScope } = spec as GatewayApi.Gateway;
      return [
        ...(defaultScope === "All" ? [placeOf.defaultGateways()] : []),
        ...addresses.flatMap(({ type, value }) =>
          type === "Hostname" && value ? [placeOf.gatewaysAt(value.toLowerCase())] : [],
        ),
      ];
    }
    case "ListenerSet":
    case "XListenerSet": {
      const gateway = gatewayOfSet(spec as GatewayApi.ListenerSet, namespace);
      return gateway === undefined ? [] : [placeOf.listenerSets(gateway)];
    }
    case "ReferenceGrant":
      return [placeOf.referenceGrants(namespace)];
    case "BackendTLSPolicy":
      return (spec as GatewayApi.BackendTLSPolicy).targetRefs.flatMap(({ group, kind: of, name }) =>
        group === "" && of === "Service"
          ? [placeOf.backendTlsPolicies(`${namespace}/${name}`)]
          : [],
      );
    default: {
      const { parentRefs = [], useDefaultGateways } = spec as RouteObject["spec"];
      return [
        ...(useDefaultGateways === "All" ? [placeOf.defaultedRoutes()] : []),
        ...parentRefs.map((parent) => placeOf.routes(parentKey(parent, namespace))),
        ...new Set(
          backendsIn(spec as RouteObject["spec"]).flatMap(
            ({ group = "", kind: of = "Service", namespace: place = namespace, name }) =>
              group === "" && of === "Service" ? [placeOf.routesTo(`${place}/${name}`)] : [],
          ),
        ),
      ];
    }
  }
}

function backendsIn({ rules = [] }: RouteObject["spec"]) {
  return rules.flatMap(
    (rule) =>
      (rule as { readonly backendRefs?: readonly GatewayApi.BackendObjectReference[] })
        .backendRefs ?? [],
  );
}

/** `namespace/name` of the Gateway that a ListenerSet adds to; undefined where its parent is of another kind. */
export function gatewayOfSet(
  { parentRef }: GatewayApi.ListenerSet,
  ownNamespace: string,
): string | undefined {
  const { group = GATEWAY_API, kind = "Gateway", namespace = ownNamespace, name } = parentRef;
  return group === GATEWAY_API && kind === "Gateway" ? `${namespace}/${name}` : undefined;
}

/** Oldest first. Routes of two kinds may have one name: the kind breaks the tie. */
export function byAgeAndKind(a: MeshObject, b: MeshObject): number {
  return byAge(a, b) || (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0);
}
