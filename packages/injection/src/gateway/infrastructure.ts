/** What every object that is made for a Gateway has in common: labels, annotations, and whose it is. */
import type { GatewayApi, MeshObject } from "@heddle/model";

type Texts = Readonly<Record<string, string>>;

export interface Infrastructure {
  readonly labels: Texts;
  readonly annotations: Texts;
  /** The labels that the Gateway's pods are found by. */
  readonly selector: Texts;
}

export const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";
const GATEWAY_CLASS = "gateway.networking.k8s.io/gateway-class-name";
/** For the Gateway itself, or for whoever wrote it. */
const NOT_PASSED_ON =
  /^(?:gateway\.istio\.io\/|kubectl\.kubernetes\.io\/last-applied-configuration$|networking\.istio\.io\/service-type$)/;

/** Where `infrastructure` says nothing of labels, or of annotations, the Gateway's own are taken, as by Istio. */
export function infrastructureOf({
  metadata,
  spec,
}: MeshObject<GatewayApi.Gateway>): Infrastructure {
  const { labels = metadata.labels, annotations = metadata.annotations } =
    spec.infrastructure ?? {};
  const selector = { [GATEWAY_NAME]: metadata.name };
  return {
    labels: { ...labels, ...selector, [GATEWAY_CLASS]: spec.gatewayClassName },
    annotations: Object.fromEntries(
      Object.entries(annotations).filter(([name]) => !NOT_PASSED_ON.test(name)),
    ),
    selector,
  };
}

/** They go with their Gateway; of one that no cluster has stored nobody can say so. */
export function ownersOf({ apiVersion, metadata }: MeshObject<GatewayApi.Gateway>): object {
  const { name, uid } = metadata;
  if (uid === undefined) return {};
  return { ownerReferences: [{ apiVersion, kind: "Gateway", name, uid }] };
}
