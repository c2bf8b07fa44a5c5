/** Waits until an installation's agent serves, and says what it waits for. */
import type { KubernetesClient, KubernetesObject } from "@heddle/agent/kubernetes";
import type { Installation } from "@heddle/kube";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "../output/cli-error.ts";
import { asked } from "./connect.ts";

const POLL_MS = 500;

interface Rollout {
  readonly done: boolean;
  readonly text: string;
}

/** Throws HDL9067 with what pods wait for. `timeout` in milliseconds. */
export async function waitUntilReady(
  client: KubernetesClient,
  { namespace, values }: Installation,
  timeout: number,
  say: (line: string) => void,
): Promise<void> {
  const name = values.revision === "default" ? "heddle-agent" : `heddle-agent-${values.revision}`;
  const place = { apiVersion: "apps/v1", plural: "deployments", namespace };
  const deadline = Date.now() + timeout;
  let said = "";
  for (;;) {
    const { done, text } = rolloutOf(
      await asked(client, `say how Deployment ${namespace}/${name} is`, () =>
        client.get(place, name),
      ),
    );
    if (text !== said) say(`${name}: ${text}`);
    said = text;
    if (done) return;
    if (Date.now() > deadline) {
      const reasons = await waitingFor(client, namespace, values.revision);
      throw new CliError(
        "HDL9067",
        `${name} is not ready after ${timeout / 1000} s: ${text}${reasons.map((each) => `\n  ${each}`).join("")}`,
        `See \`kubectl --namespace ${namespace} describe pods\`; run the command again to go on, with a longer --timeout.`,
      );
    }
    await sleep(POLL_MS);
  }
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
  revision: string,
): Promise<string[]> {
  const labelSelector = `app.kubernetes.io/name=heddle-agent,heddle.dev/rev=${revision}`;
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
