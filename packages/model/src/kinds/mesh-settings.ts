/** MeshSettings of heddle.dev: what a mesh's owner has chosen for all of it. There is one object of it, named `mesh`. */

import type { ExtensionProvider } from "./extension-provider.ts";

export interface MeshSettingsSpec {
  /** Share of requests traced, 0 to 100. */
  readonly traceSampling?: number;
  readonly accessLog?: boolean;
  /** What happens to requests for hosts that no service names. */
  readonly outboundTrafficPolicy?: "ALLOW_ANY" | "REGISTRY_ONLY";
  /** The namespace whose rules are for the whole mesh. */
  readonly rootNamespace?: string;
  readonly clusterDomain?: string;
  /** Trust domains beside the mesh's own whose identities count as its own, such as the one that workloads come from. */
  readonly trustDomainAliases?: readonly string[];
  /** Class of the Ingresses that are the mesh's; `istio` where it is left out. */
  readonly ingressClass?: string;
  /** STRICT: only Ingresses of the mesh's class. DEFAULT: also those without a class. OFF: none. STRICT where it is left out. */
  readonly ingressControllerMode?: "OFF" | "DEFAULT" | "STRICT";
  /** Ingresses are served by pods with this value of the label `istio`; where it is left out, `ingressgateway`. */
  readonly ingressSelector?: string;
  /** The Service in front of these pods; where it has another name than `istio-ingressgateway` and no selector is given, they have it as the value of the label. */
  readonly ingressService?: string;
  /**
   * Whether sidecars that can ask for the hosts which their workloads call, in place of holding all that there are. AUTO: those that
   * would hold more than a few hundred. AUTO where it is left out.
   */
  readonly onDemand?: "AUTO" | "ALWAYS" | "NEVER";
  /** Servers that policies name to be asked, each by a name of its own. */
  readonly extensionProviders?: readonly ExtensionProvider[];
}

export const MESH_SETTINGS_API = "heddle.dev/v1";
/** The one name that the object may have. */
export const MESH_SETTINGS_NAME = "mesh";
/** Its `objectKey`. */
export const MESH_SETTINGS_KEY = `heddle.dev/MeshSettings/-/${MESH_SETTINGS_NAME}`;
