/** What of a mesh a Gateway's deployment depends on, found for one Gateway. */
import {
  byAge,
  type ConfigMap,
  type GatewayApi,
  gatewayOfSet,
  isListenerSetAllowed,
  type MeshObject,
} from "@heddle/model";
import type { InjectionMesh, ProxyConfigs } from "../settings.ts";
import type { GatewayRequest } from "./deploy.ts";

export interface GatewaySurroundings {
  /** An object by its key. */
  at<Spec>(key: string): MeshObject<Spec> | undefined;
  /** Of all Gateways. */
  readonly listenerSets: readonly MeshObject<GatewayApi.ListenerSet>[];
  readonly proxyConfigs: ProxyConfigs;
  readonly mesh: InjectionMesh;
}

export function gatewayRequest(
  gateway: MeshObject<GatewayApi.Gateway>,
  { at, listenerSets, proxyConfigs, mesh }: GatewaySurroundings,
): GatewayRequest {
  const { metadata, spec } = gateway;
  const { namespace, name } = metadata;
  const parameters = spec.infrastructure?.parametersRef?.name;
  const sets = listenerSets
    .filter((set) => gatewayOfSet(set.spec, set.metadata.namespace) === `${namespace}/${name}`)
    .filter((set) => isListenerSetAllowed({ object: at }, gateway, set))
    .toSorted(byAge);
  return {
    gateway,
    listenerSets: sets,
    namespace: at(`core/Namespace/-/${namespace}`),
    gatewayClass: at(`gateway.networking.k8s.io/GatewayClass/-/${spec.gatewayClassName}`),
    parameters:
      parameters === undefined
        ? undefined
        : at<ConfigMap>(`core/ConfigMap/${namespace}/${parameters}`),
    mesh,
    proxyConfigs,
  };
}
