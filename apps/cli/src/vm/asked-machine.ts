/** What the cluster says of a machine that is to join: its group, who it is to be, and how the agent is known. */
import type { KubernetesClient } from "@heddle/agent/kubernetes";
import { defaultOptions, IDENTITY_CONFIG_MAP } from "@heddle/injection";
import { INJECTION_CONFIG, ofRevision, VALUES, valuesOf } from "@heddle/kube";
import { accountOfGroup, labelsOfGroup, type WorkloadGroup } from "@heddle/model";
import { XDS_FILES } from "@heddle/translate";
import { parse } from "yaml";
import { asked } from "../cluster/connect.ts";
import { CliError } from "../output/cli-error.ts";

export interface GroupOfMachines {
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Of its workloads. */
  readonly labels: Readonly<Record<string, string>>;
  readonly network: string;
}

/** As clusters have them, with our definitions or with Istio's. */
const VERSIONS = ["v1", "v1beta1", "v1alpha3"];

/** Throws HDL9085 where there is no such group. */
export async function groupOfMachines(
  client: KubernetesClient,
  namespace: string,
  name: string,
): Promise<GroupOfMachines> {
  for (const version of VERSIONS) {
    const place = {
      apiVersion: `networking.istio.io/${version}`,
      ...{ plural: "workloadgroups", namespace },
    };
    const found = await asked(client, `give WorkloadGroup ${namespace}/${name}`, () =>
      client.find(place, name),
    );
    if (found === undefined) continue;
    const group = found["spec"] as WorkloadGroup;
    return {
      ...{ name, namespace },
      serviceAccount: accountOfGroup(group),
      labels: labelsOfGroup(group),
      network: group.template.network ?? "",
    };
  }
  throw new CliError(
    "HDL9085",
    `There is no WorkloadGroup ${namespace}/${name} in the cluster at ${client.address}.`,
    `\`kubectl get workloadgroups -A\` has those that there are; \`-n\` names another namespace.`,
  );
}

/** PEM by which proxies of a namespace know the agent. Throws HDL9087 where no agent has left any. */
export async function rootsOf(client: KubernetesClient, namespace: string): Promise<string> {
  const place = { apiVersion: "v1", plural: "configmaps", namespace };
  const map = await asked(client, `give ConfigMap ${namespace}/${IDENTITY_CONFIG_MAP}`, () =>
    client.find(place, IDENTITY_CONFIG_MAP),
  );
  const roots = (map?.["data"] as Record<string, string> | undefined)?.[XDS_FILES.roots];
  if (roots) return roots;
  throw new CliError(
    "HDL9087",
    `Nobody knows how namespace ${namespace} is to know the agent: there is no ConfigMap ${IDENTITY_CONFIG_MAP} with its roots.`,
    "Install an agent in the cluster (`heddle install`), or wait until it is ready: it keeps one in every namespace.",
  );
}

export interface InstalledAgent {
  /** What the agent's certificate is for. */
  readonly host: string;
  readonly clusterId: string;
  readonly clusterDomain: string;
}

/** As the installation says of itself; as one without any values where there is none. */
export async function installedAgent(
  client: KubernetesClient,
  namespace: string,
  revision: string,
): Promise<InstalledAgent> {
  const name = ofRevision(INJECTION_CONFIG, revision);
  const place = { apiVersion: "v1", plural: "configmaps", namespace };
  const map = await asked(client, `say whether there is ${namespace}/${name}`, () =>
    client.find(place, name),
  );
  const text = (map?.["data"] as Record<string, string> | undefined)?.[VALUES];
  const values = valuesOf(text === undefined ? {} : (parse(text) as object));
  const { clusterId, clusterDomain } = values.mesh;
  const own = `${ofRevision("heddle-agent", revision)}.${namespace}.svc`;
  const host = values.agent.enabled ? own : values.remote.address || own;
  return { host, clusterId: clusterId || defaultOptions.clusterId, clusterDomain };
}
