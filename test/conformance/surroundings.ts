/** What the suite finds: a cluster with its images and the Gateway API's definitions, and Heddle as it is installed. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { INSTALL_NAMESPACE } from "@heddle/kube";
import { type Cluster, startCluster } from "../cluster/harness/cluster.ts";
import { buildComponents, type Say } from "../cluster/harness/components.ts";
import { kubeconfigOf } from "../cluster/harness/control-plane.ts";
import { importEnvoy } from "../cluster/harness/images.ts";
import { installAgent } from "../cluster/harness/install-agent.ts";
import { kubectlOf } from "../cluster/harness/kubectl.ts";
import { networkOf } from "../cluster/harness/network.ts";
import { importEchoAdvanced, importEchoBasic, importWhoami } from "./images.ts";
import { definitions } from "./suite.ts";

export const GATEWAY_CLASS = "heddle";

export type Surroundings = Pick<Cluster, "state" | "kubeconfig" | "network" | "kubectl" | "down">;

/** Starts a cluster with its state in a folder that does not exist yet, or takes the one that runs there. */
export async function surroundings(
  state: string,
  { running, say }: { readonly running: boolean; readonly say: Say },
): Promise<Surroundings> {
  const cluster = running ? await clusterIn(state, say) : await startCluster({ state, say });
  try {
    say("making images");
    await Promise.all([
      importEnvoy(state),
      importEchoBasic(state, say),
      importEchoAdvanced(state, say),
      importWhoami(state, say),
      definitions().then((folder) => cluster.kubectl("apply", "--server-side", "-k", folder)),
    ]);
    say("installing the agent");
    await installAgent(cluster, {
      agent: { replicas: 1, resources: { requests: { cpu: "50m", memory: "128Mi" } } },
      // Dozens of Gateways share a small machine.
      injection: { resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: {} } },
    });
    if (running) await restartAgent(cluster);
    await cluster.kubectl.apply({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "GatewayClass",
      metadata: { name: GATEWAY_CLASS },
      spec: { controllerName: "heddle.dev/gateway-controller" },
    });
    return cluster;
  } catch (error) {
    await cluster.down();
    throw error;
  }
}

/** The last that the agent said, for whoever looks into a failure. */
export async function agentLog({ kubectl }: Surroundings, lines: number): Promise<string> {
  return kubectl(
    ...["logs", "--namespace", INSTALL_NAMESPACE, "deployment/heddle-agent"],
    `--tail=${lines}`,
  ).catch(String);
}

/** Its `down` leaves it as it is: who started it ends it. */
async function clusterIn(state: string, say: Say): Promise<Surroundings> {
  const file = await readFile(path.join(state, "cluster.json"), "utf8");
  const { number } = JSON.parse(file) as { number: number };
  const { kubernetes } = await buildComponents(say);
  return {
    ...{ state, kubeconfig: kubeconfigOf(state), network: networkOf(number) },
    kubectl: kubectlOf(state, kubernetes),
    down: async () => {},
  };
}

/** Its image has the tag of the one before. */
async function restartAgent({ kubectl }: Surroundings): Promise<void> {
  const agent = ["--namespace", INSTALL_NAMESPACE, "deployment/heddle-agent"];
  await kubectl("rollout", "restart", ...agent);
  await kubectl("rollout", "status", ...agent, "--timeout=180s");
}
