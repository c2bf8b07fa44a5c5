/** What agents and proxies say of themselves: logs, and the pages on their own loopback. */
import type { KubernetesClient, KubernetesObject, PortForwarding } from "@heddle/agent/kubernetes";
import { type Chosen, isChosenPod } from "./chosen.ts";
import { type Collector, each } from "./collect.ts";
import { askPod } from "./pod-http.ts";
import { withoutEnvoySecrets } from "./redact.ts";

const AGENT_PORT = 15014;
const AGENT_LABEL = "app.kubernetes.io/name=heddle-agent";
const AGENT_PAGES = ["proxies", "diagnostics", "sync", "certificates", "graph", "objects"];
/** As injection and gateways call the proxy's container. */
const PROXY = "istio-proxy";
const ADMIN_PORT = 15000;
/** Envoy's own pages; in its dump private keys are left out by Envoy itself, and all other secrets here. */
const PROXY_PAGES = [
  ["config_dump.json", "/config_dump?include_eds"],
  ["certs.json", "/certs"],
  ["clusters.txt", "/clusters"],
  ["listeners.txt", "/listeners"],
  ["server_info.json", "/server_info"],
  ["stats.txt", "/stats?usedonly"],
  ["memory.json", "/memory"],
] as const;
/** Of one log, before it is packed; bytes. */
const MAX_LOG = 8 * 1024 * 1024;

export interface PodsOptions {
  readonly client: KubernetesClient;
  /** Undefined where there is no way to pods. */
  readonly forward: PortForwarding | undefined;
  readonly collector: Collector;
  readonly chosen: Chosen;
  /** Seconds of logs. */
  readonly since: number;
  /** The agents' own. */
  readonly namespace: string;
  /** No more proxies than that. */
  readonly maxProxies: number;
  readonly say: (line: string) => void;
}

type Pod = KubernetesObject & {
  readonly spec: {
    readonly containers?: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly containerStatuses?: readonly { name: string; restartCount?: number }[];
  };
};
interface Container {
  readonly name: string;
}

export async function collectAgents(options: PodsOptions): Promise<void> {
  const { client, collector, namespace, say } = options;
  const place = { apiVersion: "v1", plural: "pods", namespace };
  const pods = await collector.value("agents", () =>
    client.list(place, { labelSelector: AGENT_LABEL }),
  );
  say(`agents: ${pods?.length ?? 0}`);
  await each((pods ?? []) as Pod[], async (pod) => {
    const folder = `agents/${pod.metadata.name}`;
    await logs(options, folder, pod, ["agent"]);
    if (!isRunning(pod)) return;
    for (const page of AGENT_PAGES)
      await ask(options, pod, AGENT_PORT, `/debug/${page}`, `${folder}/debug-${page}.json`);
    await ask(options, pod, AGENT_PORT, "/metrics", `${folder}/metrics.txt`);
    await ask(options, pod, AGENT_PORT, "/readyz", `${folder}/readyz.txt`);
  });
}

export async function collectProxies(options: PodsOptions): Promise<void> {
  const { client, collector, chosen, maxProxies, say } = options;
  const pods = await collector.value("pods", () =>
    client.list({ apiVersion: "v1", plural: "pods" }),
  );
  const proxies = ((pods ?? []) as Pod[]).filter(
    (pod) =>
      containersOf(pod).includes(PROXY) &&
      isChosenPod(pod.metadata.namespace ?? "", pod.metadata.name, chosen),
  );
  say(`proxies: ${Math.min(proxies.length, maxProxies)} of ${proxies.length}`);
  for (const { metadata } of proxies.slice(maxProxies))
    collector.outcome.leftOut.push(`proxies/${metadata.namespace}/${metadata.name}`);
  await each(proxies.slice(0, maxProxies), async (pod) => {
    const folder = `proxies/${pod.metadata.namespace}/${pod.metadata.name}`;
    await logs(options, folder, pod, [PROXY]);
    if (!isRunning(pod)) return;
    for (const [file, page] of PROXY_PAGES)
      await ask(options, pod, ADMIN_PORT, page, `${folder}/${file}`);
  });
}

async function logs(
  { client, collector, since }: PodsOptions,
  folder: string,
  pod: Pod,
  containers: readonly string[],
): Promise<void> {
  const { namespace = "", name } = pod.metadata;
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/log`;
  const restarted = (pod.status?.containerStatuses ?? []).some(
    (status) => containers.includes(status.name) && (status.restartCount ?? 0) > 0,
  );
  for (const container of containers) {
    const query = { container, limitBytes: MAX_LOG, timestamps: "true" };
    await collector.file(`${folder}/${container}.log`, () =>
      client.readText(path, { ...query, sinceSeconds: since }),
    );
    if (restarted)
      await collector.file(`${folder}/${container}-previous.log`, () =>
        client.readText(path, { ...query, previous: "true" }),
      );
  }
}

async function ask(
  { forward, collector }: PodsOptions,
  { metadata: { namespace = "", name: pod } }: Pod,
  port: number,
  page: string,
  file: string,
): Promise<void> {
  if (forward === undefined) return;
  await collector.file(file, async () => {
    const text = await askPod(forward, { namespace, pod, port }, page);
    return file.endsWith("config_dump.json") ? withoutEnvoySecrets(text) : text;
  });
}

function isRunning({ status }: Pod): boolean {
  return status?.phase === "Running";
}

/** Those of native sidecars are among the ones that come first. */
function containersOf({ spec: { containers = [], initContainers = [] } }: Pod): readonly string[] {
  return [...containers, ...initContainers].map(({ name }) => name);
}
