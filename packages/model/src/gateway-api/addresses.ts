/** Where clients reach a Gateway: at the addresses of the Services in front of its pods. */
import { resolveHost, serviceHost, splitServiceHost } from "../host.ts";
import type * as GatewayApi from "../kinds/gateway-api/index.ts";
import type { Service } from "../kinds/kubernetes.ts";
import type { MeshObject } from "../object.ts";

/** As it stands in the status. */
export interface GatewayStatusAddress {
  readonly type: "IPAddress" | "Hostname";
  readonly value: string;
}

/** What is known of what serves a Gateway; left out: nobody knows. */
export interface GatewayServing {
  /** Whether there are proxies for it. */
  readonly proxies?: boolean | undefined;
  /** The Services in front of them, as `gatewayServices` names them; undefined in the list: there is none. */
  readonly services?: readonly (MeshObject<Service> | undefined)[] | undefined;
}

const NAME = "gateway.istio.io/name-override";

/** What the Deployment and the Service of a Gateway are called, as by Istio. */
export function gatewayDeploymentName({ metadata, spec }: MeshObject<GatewayApi.Gateway>): string {
  return metadata.annotations[NAME] ?? `${metadata.name}-${spec.gatewayClassName}`;
}

/** `namespace/name` of the Services: of the one that is made for it, or of those that it names as its addresses. */
export function gatewayServices(
  gateway: MeshObject<GatewayApi.Gateway>,
  clusterDomain: string,
): readonly string[] {
  const { namespace } = gateway.metadata;
  const { addresses = [] } = gateway.spec;
  const named = addresses.flatMap(({ type, value }) => {
    if (type !== "Hostname" || !value) return [];
    const found = splitServiceHost(resolveHost(value, namespace, clusterDomain), clusterDomain);
    return found ? [`${found.namespace}/${found.name}`] : [];
  });
  return named.length > 0 ? named : [`${namespace}/${gatewayDeploymentName(gateway)}`];
}

/** Empty as long as a load balancer has not assigned any. Services without one are reached by name, from within the cluster. */
export function addressesOfServices(
  services: NonNullable<GatewayServing["services"]>,
  clusterDomain: string,
): readonly GatewayStatusAddress[] {
  return services.flatMap((service): GatewayStatusAddress[] => {
    if (service === undefined) return [];
    const { namespace, name } = service.metadata;
    const { type = "ClusterIP", status } = service.spec;
    if (type !== "LoadBalancer")
      return [{ type: "Hostname", value: serviceHost(name, namespace, clusterDomain) }];
    return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => [
      ...(ip ? [{ type: "IPAddress" as const, value: ip }] : []),
      ...(hostname ? [{ type: "Hostname" as const, value: hostname }] : []),
    ]);
  });
}
