/** What gateways listen for, in the intermediate form. */
import { byAge, type Gateway, type MeshObject, objectKey, type ServiceModel } from "@heddle/model";
import { derivation, type ModelReader } from "../read.ts";
import { gatewayListenersOf } from "./gateway.ts";
import { listenersOfGatewayApi } from "./gateway-api/listeners.ts";
import type { GatewayListener } from "./gateway-listener.ts";
import { listenersOfIngresses } from "./ingress/listeners.ts";

/**
 * Of every gateway that a proxy with these labels serves. The order settles who wins where two want the same: the oldest
 * object, whichever API it is of, then by namespace and name; Ingresses come last. `services` are those that lead to the proxy.
 */
export function listenersOfProxy(
  read: ModelReader,
  labels: Readonly<Record<string, string>>,
  namespace: string,
  services: readonly ServiceModel[],
): readonly GatewayListener[] {
  const istio = read
    .gateways(labels, namespace)
    .map((object) => ({ object, listeners: read.get(gatewayForm, objectKey(object)) }));
  const gateways = [...istio, ...listenersOfGatewayApi(read, labels, namespace, services)]
    .toSorted((a, b) => byAge(a.object, b.object))
    .flatMap(({ listeners }) => listeners);
  return [...gateways, ...listenersOfIngresses(read, labels, namespace)];
}

/** By the object's key; made once for all the proxies that serve it. */
const gatewayForm = derivation<string, readonly GatewayListener[]>(
  "form/gateway",
  (key) => key,
  (read, key) => {
    const object: MeshObject<Gateway> | undefined = read.object(key);
    return object ? gatewayListenersOf(object) : [];
  },
);
