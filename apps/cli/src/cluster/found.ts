/** An object that a cluster has, and how it goes. */
import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesClient, KubernetesObject, Place } from "@heddle/agent/kubernetes";
import { CliError } from "../output/cli-error.ts";
import { asked } from "./connect.ts";

const POLL_MS = 300;

export interface Found {
  readonly place: Place;
  readonly object: Pick<KubernetesObject, "metadata">;
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
