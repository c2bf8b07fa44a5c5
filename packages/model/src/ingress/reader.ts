/** What decisions about Ingresses ask of a mesh; each question is by key, so that whoever answers can track it. */
import type { IngressClass } from "../kinds/ingress.ts";
import type { MeshSettingsSpec } from "../kinds/mesh-settings.ts";
import type { MeshObject } from "../object.ts";
import type { ServiceModel } from "../registry/types.ts";

export const INGRESS_GROUP = "networking.k8s.io";

export interface IngressReader {
  readonly clusterDomain: string;
  readonly settings: Pick<
    MeshSettingsSpec,
    "ingressClass" | "ingressControllerMode" | "ingressSelector" | "ingressService"
  >;
  object<Spec>(key: string): MeshObject<Spec> | undefined;
  /** By its full host. */
  service(host: string): ServiceModel | undefined;
  /** IngressClasses that are marked as the default one. */
  defaultIngressClasses(): readonly MeshObject<IngressClass>[];
}
