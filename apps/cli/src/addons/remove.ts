/** Takes add-ons out of a cluster: all that was made for them, with what they have kept. */
import type { KubernetesClient } from "@heddle/agent/kubernetes";
import { type Addon, ADDON_LABEL } from "@heddle/kube";
import { asked } from "../cluster/connect.ts";
import { type Found, gone, removeFound } from "../cluster/found.ts";
import { CliError } from "../output/cli-error.ts";
import { DEPLOYMENTS, installed, labelled } from "./installed.ts";

const NAMESPACES = { apiVersion: "v1", plural: "namespaces" };

export interface AddonRemoval {
  readonly namespace: string;
  readonly addons: readonly Addon[];
  /** Milliseconds. */
  readonly timeout: number;
  readonly say: (line: string) => void;
}

/** Throws HDL9081 where there is nothing of them. */
export async function plannedAddonRemoval(
  client: KubernetesClient,
  { namespace, addons }: Pick<AddonRemoval, "namespace" | "addons">,
): Promise<Found[]> {
  const found = await installed(client, namespace, addons);
  if (found.length === 0)
    throw new CliError(
      "HDL9081",
      `There is no ${addons.join(" or ")} of \`heddle addons\` in namespace ${namespace} of ${client.address}.`,
      "`heddle addons list` says where they are; name that with -n.",
    );
  return found;
}

/** Resolves when all of it is gone. */
export async function removeAddons(
  client: KubernetesClient,
  found: readonly Found[],
  { namespace, timeout, say }: AddonRemoval,
): Promise<void> {
  // With their pods: a volume is held as long as one of these is there.
  for (const each of found)
    await removeFound(
      client,
      each,
      each.place.plural === DEPLOYMENTS.plural ? "Foreground" : "Background",
    );
  for (const each of found) await gone(client, each, timeout);
  say(`objects: ${found.length}`);
  await removeNamespace(client, namespace, timeout, say);
}

/** One that was made for add-ons, when nothing runs in it any more. */
async function removeNamespace(
  client: KubernetesClient,
  namespace: string,
  timeout: number,
  say: (line: string) => void,
): Promise<void> {
  const object = (await labelled(client, NAMESPACES, ["namespace"])).find(
    ({ metadata }) => metadata.name === namespace,
  );
  if (object === undefined) return;
  const pods = await asked(client, "list pods", () =>
    client.list({ apiVersion: "v1", plural: "pods", namespace }),
  );
  // Theirs end with it, if they have not yet.
  const others = pods.filter(({ metadata }) => metadata.labels?.[ADDON_LABEL] === undefined);
  if (others.length > 0)
    return say(`namespace ${namespace} stays: ${others.length} pods are in it`);
  const found = { place: NAMESPACES, object };
  await removeFound(client, found);
  await gone(client, found, timeout);
  say(`namespace ${namespace}`);
}
