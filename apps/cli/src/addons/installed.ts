/** What of add-ons is in a cluster. */
import {
  ApiFailure,
  type KubernetesClient,
  type KubernetesObject,
  type Place,
} from "@heddle/agent/kubernetes";
import { type Addon, ADDON_LABEL, ADDONS_MANAGER, prometheusRole } from "@heddle/kube";
import { asked } from "../cluster/connect.ts";
import type { Found } from "../cluster/found.ts";

export const DEPLOYMENTS: Place = { apiVersion: "apps/v1", plural: "deployments" };
const RBAC = "rbac.authorization.k8s.io/v1";
/** In the order in which they go: first who writes to the rest. */
const KINDS: readonly Place[] = [
  DEPLOYMENTS,
  { apiVersion: "monitoring.coreos.com/v1", plural: "podmonitors" },
  ...["services", "configmaps", "secrets", "persistentvolumeclaims"].map(core),
  { apiVersion: RBAC, plural: "clusterrolebindings" },
  { apiVersion: RBAC, plural: "clusterroles" },
  core("serviceaccounts"),
];

function core(plural: string): Place {
  return { apiVersion: "v1", plural };
}

/** Of these add-ons, in that namespace; and their rights, which lie in none. */
export async function installed(
  client: KubernetesClient,
  namespace: string,
  addons: readonly Addon[],
): Promise<Found[]> {
  const found: Found[] = [];
  for (const kind of KINDS)
    for (const object of await labelled(client, kind, addons)) {
      const own = object.metadata.namespace ?? "";
      if (own === namespace) found.push({ place: { ...kind, namespace }, object });
      else if (own === "" && object.metadata.name === prometheusRole(namespace))
        found.push({ place: kind, object });
    }
  return found;
}

/** In all namespaces. None of a kind that the cluster does not have. */
export async function labelled(
  client: KubernetesClient,
  kind: Place,
  addons: readonly string[],
): Promise<KubernetesObject[]> {
  const labelSelector = `app.kubernetes.io/managed-by=${ADDONS_MANAGER},${ADDON_LABEL} in (${addons.join(",")})`;
  return asked(client, `list ${kind.plural}`, async () => {
    try {
      return await client.list(kind, { labelSelector });
    } catch (error) {
      if (error instanceof ApiFailure && error.missing) return [];
      throw error;
    }
  });
}
