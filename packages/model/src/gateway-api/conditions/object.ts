/** The status of any object of the Gateway API, and all of its conditions in one list. */
import type * as GatewayApi from "../../kinds/gateway-api/index.ts";
import type { MeshObject } from "../../object.ts";
import { type GatewayApiReader, ROUTE_KINDS, type RouteObject } from "../reader.ts";
import { backendTlsPolicyStatus } from "./backend-tls-policy.ts";
import type { GatewayServing } from "../addresses.ts";
import type { Condition } from "./condition.ts";
import { gatewayClassStatus, gatewayStatus, listenerSetStatus } from "./gateway.ts";
import { routeStatus } from "./route.ts";

export type GatewayApiStatus = NonNullable<
  | ReturnType<typeof gatewayClassStatus>
  | ReturnType<typeof gatewayStatus>
  | ReturnType<typeof routeStatus>
  | ReturnType<typeof backendTlsPolicyStatus>
>;

/**
 * As it would stand under `status` in Kubernetes, without times. Undefined for objects of other APIs, of kinds without a
 * status, and for those of other controllers. `serving` tells what serves a Gateway, where that is known.
 */
export function gatewayApiStatus(
  read: GatewayApiReader,
  object: MeshObject,
  serving?: GatewayServing,
): GatewayApiStatus | undefined {
  if (!object.apiVersion.startsWith("gateway.networking.")) return undefined;
  if ((ROUTE_KINDS as readonly string[]).includes(object.kind)) {
    return routeStatus(read, object as RouteObject);
  }
  switch (object.kind) {
    case "GatewayClass":
      return gatewayClassStatus(read, object as MeshObject<GatewayApi.GatewayClass>);
    case "Gateway":
      return gatewayStatus(read, object as MeshObject<GatewayApi.Gateway>, serving);
    case "ListenerSet":
    case "XListenerSet":
      return listenerSetStatus(read, object as MeshObject<GatewayApi.ListenerSet>);
    case "BackendTLSPolicy":
      return backendTlsPolicyStatus(read, object as MeshObject<GatewayApi.BackendTLSPolicy>);
    default:
      return undefined;
  }
}

/** Of the object, its listeners, its parents and its ancestors. */
export function conditionsIn(status: GatewayApiStatus): readonly Condition[] {
  return [
    ...("conditions" in status ? status.conditions : []),
    ...("listeners" in status ? status.listeners : []).flatMap((each) => each.conditions),
    ...("parents" in status ? status.parents : []).flatMap((each) => each.conditions),
    ...("ancestors" in status ? status.ancestors : []).flatMap((each) => each.conditions),
  ];
}
