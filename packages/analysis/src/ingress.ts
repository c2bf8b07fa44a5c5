/** Whose an Ingress is and where it can be reached, from an index of a mesh. */
import {
  type Ingress,
  type IngressReader,
  MESH_SETTINGS_KEY,
  type MeshObject,
  type MeshSettingsSpec,
  otherIngressController,
  type Service,
} from "@heddle/model";
import { serviceAt } from "./gateway-api.ts";
import type { MeshIndex } from "./mesh-index.ts";

/** As Kubernetes has it under `status`. */
export interface IngressStatus {
  readonly loadBalancer: {
    readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[];
  };
}

/** Good for as long as the index does not change. */
export function ingressReader(index: MeshIndex): IngressReader {
  const object = <Spec>(key: string) => index.entry(key)?.object as MeshObject<Spec> | undefined;
  return {
    clusterDomain: index.clusterDomain,
    settings: object<MeshSettingsSpec>(MESH_SETTINGS_KEY)?.spec ?? {},
    object,
    service: (host) => serviceAt(index, host),
    defaultIngressClasses: () => index.defaultIngressClasses(),
  };
}

/**
 * Addresses of the Service in front of the ingress gateways, which Istio writes there too. Undefined for other kinds, for
 * Ingresses of other controllers, and where the Service is not known.
 */
export function ingressStatusOf(
  index: MeshIndex,
  key: string,
  rootNamespace = "istio-system",
): IngressStatus | undefined {
  if (!key.startsWith("networking.k8s.io/Ingress/")) return undefined;
  const object = index.entry(key)?.object as MeshObject<Ingress> | undefined;
  if (!object) return undefined;
  const read = ingressReader(index);
  if (otherIngressController(read, object) !== undefined) return undefined;
  const name = read.settings.ingressService ?? "istio-ingressgateway";
  const front = index.entry(`core/Service/${rootNamespace}/${name}`)?.object;
  if (!front) return undefined;
  const { type, externalName, externalIPs = [], status } = front.spec as Service;
  if (type === "ExternalName") {
    return { loadBalancer: externalName ? { ingress: [{ hostname: externalName }] } : {} };
  }
  const addresses = [
    ...(status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ({
      ...(ip ? { ip } : {}),
      ...(hostname ? { hostname } : {}),
    })),
    ...externalIPs.map((ip) => ({ ip })),
  ];
  return { loadBalancer: addresses.length > 0 ? { ingress: addresses } : {} };
}
