/** What a whole mesh is set to. */

import type { ExtensionProvider } from "@heddle/model";

/** Settings of a mesh that its translation depends on; what Istio calls MeshConfig. */
export interface MeshSettings {
  readonly name: string;
  readonly trustDomain: string;
  /** Trust domains whose identities count as the mesh's own. */
  readonly trustDomainAliases?: readonly string[];
  /** Trust domains of others whose identities are taken too. */
  readonly federatedTrustDomains?: readonly string[];
  readonly rootNamespace: string;
  readonly outboundTrafficPolicy: "ALLOW_ANY" | "REGISTRY_ONLY";
  /** Share of requests traced, 0 to 100. */
  readonly traceSampling: number;
  readonly accessLog: boolean;
  readonly clusterDomain: string;
  /** See MeshSettings of the model, as for the rest. */
  readonly ingressClass?: string;
  readonly ingressControllerMode?: "OFF" | "DEFAULT" | "STRICT";
  readonly ingressSelector?: string;
  readonly ingressService?: string;
  readonly onDemand?: "AUTO" | "ALWAYS" | "NEVER";
  readonly extensionProviders?: readonly ExtensionProvider[];
}

/** What holds where nobody chose otherwise; Istio's defaults, but that access logs are on. */
export const MESH_DEFAULTS = {
  trustDomain: "cluster.local",
  rootNamespace: "istio-system",
  outboundTrafficPolicy: "ALLOW_ANY",
  traceSampling: 1,
  accessLog: true,
  clusterDomain: "cluster.local",
} as const satisfies Omit<MeshSettings, "name">;
