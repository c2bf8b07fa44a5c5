/**
 * The agent that the suite's Gateways are served by: on the machine, with the rights of an administrator, and reached by pods over
 * the network without TLS. What it is in a pod is tested elsewhere.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseAgentOptions, type RunningAgent, startAgent } from "@heddle/agent";
import { IDENTITY_CONFIG_MAP, identityConfigMap } from "@heddle/injection";
import {
  createKubernetesClient,
  type KubernetesClient,
  type KubernetesObject,
} from "../../agent/src/kubernetes/client.ts";
import { administrator } from "../cluster/harness/api.ts";
import type { Cluster } from "../cluster/harness/cluster.ts";

const NAMESPACE = "heddle-system";
const PORTS = { xds: 15010, otlp: 4317 };
/** Between looks for new namespaces, milliseconds. */
const LOOK = 500;

export async function startAgentFor(
  { kubeconfig, network, kubectl }: Cluster,
  state: string,
): Promise<RunningAgent> {
  const { host } = network;
  await kubectl("create", "namespace", NAMESPACE);
  const options = parseAgentOptions(
    {
      ...{ standalone: true, kubeconfig, state, metrics: "off" },
      ...{ xds: `${host}:${PORTS.xds}`, otlp: `${host}:${PORTS.otlp}` },
    },
    { POD_NAME: "agent", POD_NAMESPACE: NAMESPACE },
  );
  const agent = await startAgent({
    ...options,
    injection: {
      ...options.injection,
      // Dozens of Gateways share a small machine.
      resources: {},
      agent: { host, xdsPort: PORTS.xds, otlpPort: PORTS.otlp, security: "plaintext" },
    },
  });
  const { server, options: credentials } = await administrator(kubeconfig);
  const closing = new AbortController();
  const client = createKubernetesClient({ server, options: () => Promise.resolve(credentials) });
  const keeping = keepIdentity(client, closing.signal);
  return {
    ports: agent.ports,
    async close() {
      closing.abort();
      await keeping;
      await agent.close();
    },
  };
}

/** Pods mount it, though nothing of it is read without TLS. */
async function keepIdentity(client: KubernetesClient, signal: AbortSignal): Promise<void> {
  const done = new Set<string>();
  while (!signal.aborted) {
    try {
      for (const { metadata } of await client.list({ apiVersion: "v1", plural: "namespaces" })) {
        const { name, uid = "" } = metadata;
        if (done.has(uid)) continue;
        const place = { apiVersion: "v1", plural: "configmaps", namespace: name };
        if ((await client.find(place, IDENTITY_CONFIG_MAP)) === undefined)
          await client.apply(place, identityConfigMap(name, "none") as KubernetesObject);
        done.add(uid);
      }
    } catch {
      // A namespace that ends takes nothing new; the next look sees it gone.
    }
    await sleep(LOOK, undefined, { signal }).catch(() => {});
  }
}
