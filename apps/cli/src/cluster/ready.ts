/** Waits until an installation serves, and says what it waits for. */
import type { KubernetesClient, KubernetesObject } from "@heddle/agent/kubernetes";
import type { KubernetesObject as InstallationObject } from "@heddle/kube";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "../output/cli-error.ts";
import { asked } from "./connect.ts";
import { nameOf, placeOf } from "./places.ts";

const POLL_MS = 500;

interface Rollout {
  readonly done: boolean;
  readonly text: string;
}

/** Of all Deployments among the objects. Throws HDL9067 with what pods wait for. `timeout` in milliseconds. */
export async function waitUntilReady(
  client: KubernetesClient,
  objects: readonly InstallationObject[],
  timeout: number,
  say: (line: string) => void,
): Promise<void> {
  const deadline = Date.now() + timeout;
  for (const object of objects)
    if (object.kind === "Deployment") await rolledOut(client, object, { timeout, deadline, say });
}

interface Waiting {
  /** Milliseconds. */
  readonly timeout: number;
  /** When it is over, as `Date.now` has it. */
  readonly deadline: number;
  readonly say: (line: string) => void;
}

async function rolledOut(
  client: KubernetesClient,
  deployment: InstallationObject,
  { timeout, deadline, say }: Waiting,
): Promise<void> {
  const { name, namespace = "" } = deployment.metadata;
  let said = "";
  for (;;) {
    const { done, text } = rolloutOf(
      await asked(client, `say how ${nameOf(deployment)} is`, () =>
        client.get(placeOf(deployment), name),
      ),
    );
    if (text !== said) say(`${name}: ${text}`);
    said = text;
    if (done) return;
    if (Date.now() > deadline) {
      const reasons = await waitingFor(client, namespace, selectorOf(deployment));
      throw new CliError(
        "HDL9067",
        `${name} is not ready after ${timeout / 1000} s: ${text}${reasons.map((each) => `\n  ${each}`).join("")}`,
        `See \`kubectl --namespace ${namespace} describe pods\`; run the command again to go on, with a longer --timeout.`,
      );
    }
    await sleep(POLL_MS);
  }
}

function selectorOf({ spec }: InstallationObject): string {
  const { matchLabels } = (spec as { selector: { matchLabels: Record<string, string> } }).selector;
  return Object.entries(matchLabels)
    .map((label) => label.join("="))
    .join(",");
}

/** As `kubectl rollout status` has it. */
export function rolloutOf(deployment: KubernetesObject): Rollout {
  const { replicas: wanted = 1 } = (deployment["spec"] ?? {}) as { replicas?: number };
  const status = (deployment["status"] ?? {}) as {
    observedGeneration?: number;
    replicas?: number;
    updatedReplicas?: number;
    availableReplicas?: number;
  };
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  const seen = (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0);
  const done =
    seen && updatedReplicas >= wanted && replicas <= updatedReplicas && availableReplicas >= wanted;
  return { done, text: `${Math.min(updatedReplicas, availableReplicas)} of ${wanted} ready` };
}

/** A line for each pod that is not ready. */
async function waitingFor(
  client: KubernetesClient,
  namespace: string,
  labelSelector: string,
): Promise<string[]> {
  const pods = await client
    .list({ apiVersion: "v1", plural: "pods", namespace }, { labelSelector })
    .catch(() => []);
  return pods.flatMap(({ metadata, status }) => {
    const { conditions = [], containerStatuses = [] } = (status ?? {}) as {
      conditions?: { type: string; status: string; message?: string }[];
      containerStatuses?: {
        state?: Record<string, { reason?: string; message?: string } | undefined>;
      }[];
    };
    if (conditions.some(({ type, status: is }) => type === "Ready" && is === "True")) return [];
    const states = containerStatuses.flatMap(({ state = {} }) => Object.values(state));
    const reasons = [
      ...states.map((state) => [state?.reason, state?.message].filter(Boolean).join(": ")),
      ...conditions.map(({ status: is, message }) => (is === "True" ? "" : (message ?? ""))),
    ].filter((reason) => reason !== "");
    return [`pod ${metadata.name}: ${reasons[0] ?? "not ready yet"}`];
  });
}
