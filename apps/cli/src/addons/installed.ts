/** What of add-ons is in a cluster, and how it goes. */
import {
  ApiFailure,
  type KubernetesClient,
  type KubernetesObject,
  type Place,
} from "@heddle/agent/kubernetes";
import { setTimeout as sleep } from "node:timers/promises";
import { type Addon, ADDON_LABEL, ADDONS_MANAGER, prometheusRole } from "@heddle/kube";
import { asked } from "../cluster/connect.ts";
import { CliError } from "../output/cli-error.ts";

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
const POLL_MS = 300;

function core(plural: string): Place {
  return { apiVersion: "v1", plural };
}

export interface Found {
  readonly place: Place;
  readonly object: Pick<KubernetesObject, "metadata">;
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

export async function removeFound(
  client: KubernetesClient,
  { place, object }: Found,
  propagationPolicy: "Background" | "Foreground" = "Background",
): Promise<void> {
  const { name } = object.metadata;
  await asked(client, `remove ${place.plural} ${name}`, () =>
    client.remove(place, name, { propagationPolicy }),
  );
}

/** Throws HDL9067 where it is still there after so many milliseconds. */
export async function gone(
  client: KubernetesClient,
  { place, object }: Found,
  timeout: number,
): Promise<void> {
  const { name, uid } = object.metadata;
  const deadline = Date.now() + timeout;
  for (;;) {
    const there = await asked(client, `say whether there is ${place.plural} ${name}`, () =>
      client.find(place, name),
    );
    if (there === undefined || there.metadata.uid !== uid) return;
    if (Date.now() > deadline)
      throw new CliError(
        "HDL9067",
        `${place.plural} ${name} is not gone after ${timeout / 1000} s.`,
        "Its finalizers say who holds it: `kubectl get -o yaml`. Run the command again to go on.",
      );
    await sleep(POLL_MS);
  }
}
