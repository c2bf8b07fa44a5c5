/** The cluster that an agent is a part of: the way to it, a client that writes, and the election of who writes. */
import { ofRevision } from "@heddle/kube";
import type { AgentLog } from "../log.ts";
import { type ApiAccess, type KubernetesOptions, openAccess } from "./access.ts";
import { createKubernetesClient, type KubernetesClient } from "./client.ts";
import { type Leadership, startLeadership } from "./leader.ts";

/** An agent's pod, by the Downward API. */
export interface OwnPod {
  readonly name: string;
  readonly namespace: string;
}

export interface Cluster {
  readonly access: ApiAccess;
  /** What an agent has that runs in a pod; another only reads. */
  readonly inside:
    | {
        readonly pod: OwnPod;
        readonly client: KubernetesClient;
        readonly leadership: Leadership;
      }
    | undefined;
  close(): Promise<void>;
}

/** `HDL7230` where no cluster is named, or what names it cannot be used. */
export async function openCluster(
  options: KubernetesOptions,
  { pod, revision, log }: { pod: OwnPod | undefined; revision: string; log: AgentLog },
): Promise<Cluster> {
  const access = await openAccess(options);
  if (!pod) return { access, inside: undefined, close: async () => {} };
  const client = createKubernetesClient(access);
  const leadership = startLeadership({
    ...{ client, log, namespace: pod.namespace, identity: pod.name },
    name: ofRevision("heddle-agent-leader", revision),
  });
  return { access, inside: { pod, client, leadership }, close: () => leadership.close() };
}
