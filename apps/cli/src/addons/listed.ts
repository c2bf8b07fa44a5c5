/** Which add-ons there are, and where they are installed. */
import type { KubernetesClient } from "@heddle/agent/kubernetes";
import { type Addon, ADDON_LABEL, ADDONS } from "@heddle/kube";
import { rolloutOf } from "../cluster/ready.ts";
import { DEPLOYMENTS, labelled } from "./installed.ts";

export interface ListedAddon {
  readonly addon: Addon;
  /** Absent where it is not installed. */
  readonly namespace?: string;
  readonly image?: string;
  /** `1 of 1 ready` */
  readonly state: string;
}

export async function listedAddons(client: KubernetesClient): Promise<ListedAddon[]> {
  const deployments = await labelled(client, DEPLOYMENTS, ADDONS);
  return ADDONS.flatMap((addon): ListedAddon[] => {
    const own = deployments.filter(({ metadata }) => metadata.labels?.[ADDON_LABEL] === addon);
    if (own.length === 0) return [{ addon, state: "not installed" }];
    return own.map((deployment) => {
      const { namespace = "" } = deployment.metadata;
      const { template } = deployment["spec"] as {
        template: { spec: { containers: readonly { image: string }[] } };
      };
      const image = template.spec.containers[0]?.image ?? "";
      return { addon, namespace, image, state: rolloutOf(deployment).text };
    });
  });
}
