/** Routes that name no Gateway and take whichever are default (GEP-3793): none is written into them, so it is worked out here. */
import type * as GatewayApi from "../kinds/gateway-api/index.ts";
import { ourGateway } from "./gateway-class.ts";
import { byAgeAndKind } from "./places.ts";
import { GATEWAY_API, type GatewayApiReader, parentKey, type RouteObject } from "./reader.ts";

export interface RouteParent {
  readonly reference: GatewayApi.ParentReference;
  /** Where the route asks for it. */
  readonly path: string;
}

/** Those that a route names, then default Gateways of ours that it does not name as well. */
export function parentsOf(
  read: GatewayApiReader,
  { spec, metadata }: RouteObject,
): readonly RouteParent[] {
  const { parentRefs = [], useDefaultGateways } = spec;
  const named = parentRefs.map((reference, index) => ({
    reference,
    path: `spec.parentRefs[${index}]`,
  }));
  if (useDefaultGateways !== "All") return named;
  const known = new Set(parentRefs.map((parent) => parentKey(parent, metadata.namespace)));
  const defaults = read.defaultGateways().flatMap(({ metadata: { namespace, name } }) => {
    const reference = { group: GATEWAY_API, kind: "Gateway", namespace, name };
    if (known.has(parentKey(reference, namespace))) return [];
    if (ourGateway(read, `${namespace}/${name}`) === undefined) return [];
    return [{ reference, path: "spec.useDefaultGateways" }];
  });
  return [...named, ...defaults];
}

/** Routes of a parent, `parentKey`, oldest first: those that name it, and where it is a default Gateway those that take any. */
export function routesOfParent(read: GatewayApiReader, parent: string): readonly RouteObject[] {
  const naming = read.routes(parent);
  const isDefault =
    parent.startsWith("Gateway/") &&
    read.object<GatewayApi.Gateway>(`${GATEWAY_API}/${parent}`)?.spec.defaultScope === "All";
  if (!isDefault) return naming;
  return [...new Set([...naming, ...read.defaultedRoutes()])].toSorted(byAgeAndKind);
}
