/** Objects of a cluster that say what a mesh is made of. */
import { ApiFailure, type KubernetesClient, type KubernetesObject } from "@heddle/agent/kubernetes";
import { kinds } from "@heddle/model";
import { stringify } from "yaml";
import { type Chosen, isChosenNamespace } from "./chosen.ts";
import { type Collector, each } from "./collect.ts";
import { cleanObject } from "./redact.ts";

interface Kind {
  /** Empty for Kubernetes' core. */
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  /** Those that are served, best first. */
  readonly versions: readonly string[];
}

const kind = (group: string, name: string, plural: string, version = "v1"): Kind => ({
  ...{ group, kind: name, plural, versions: [version] },
});

/** Beside the model's kinds: what the agent is run by, and what comes between pods and it. Of Secrets the names alone. */
const OTHERS: readonly Kind[] = [
  kind("", "Node", "nodes"),
  kind("apps", "Deployment", "deployments"),
  kind("policy", "PodDisruptionBudget", "poddisruptionbudgets"),
  kind("autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "v2"),
  kind("coordination.k8s.io", "Lease", "leases"),
  kind(
    "admissionregistration.k8s.io",
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
  ),
  kind(
    "admissionregistration.k8s.io",
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
  ),
  kind("networking.k8s.io", "NetworkPolicy", "networkpolicies"),
];

const MESH: readonly Kind[] = kinds.map(({ group, kind: name, plural, versions }) => ({
  ...{ group: group === "core" ? "" : group, kind: name, plural, versions },
}));

/** Writes each kind's objects of the chosen namespaces as a file, and resolves to those that an analysis reads. */
export async function collectObjects(
  client: KubernetesClient,
  collector: Collector,
  chosen: Chosen,
): Promise<KubernetesObject[]> {
  const found: KubernetesObject[] = [];
  await each([...MESH, ...OTHERS], async (of) => {
    const name = of.group === "" ? of.plural : `${of.plural}.${of.group}`;
    const all = await collector.value(name, () => listed(client, of));
    const objects = (all ?? []).filter(({ metadata: { namespace } }) =>
      namespace === undefined ? true : isChosenNamespace(namespace, chosen),
    );
    if (objects.length === 0) return;
    if (MESH.includes(of) && of.kind !== "Secret") found.push(...objects);
    await collector.file(`objects/${name}.yaml`, () =>
      Promise.resolve(objects.map((object) => stringify(cleanObject(object), YAML)).join("---\n")),
    );
  });
  await collector.file("objects/customresourcedefinitions.yaml", async () => {
    const place = { apiVersion: "apiextensions.k8s.io/v1", plural: "customresourcedefinitions" };
    const definitions = await client.list(place);
    const ours = new Set(MESH.map(({ plural, group }) => `${plural}.${group}`));
    // Their schemas are long, and known.
    return stringify(
      definitions
        .filter(({ metadata }) => ours.has(metadata.name))
        .map(({ metadata: { name, labels }, spec, status }) => ({
          ...{ name, labels, versions: versionsOf(spec) },
          conditions: (status as { conditions?: unknown } | undefined)?.conditions,
        })),
    );
  });
  return found;
}

const YAML = { aliasDuplicateObjects: false } as const;

/** Nothing for a kind that the cluster does not have. */
async function listed(client: KubernetesClient, of: Kind): Promise<KubernetesObject[]> {
  for (const version of of.versions) {
    const apiVersion = of.group === "" ? version : `${of.group}/${version}`;
    try {
      const items = await client.list({ apiVersion, plural: of.plural });
      return items.map((item) => ({ ...item, apiVersion, kind: of.kind }));
    } catch (error) {
      if (!(error instanceof ApiFailure) || !error.missing) throw error;
    }
  }
  return [];
}

function versionsOf(spec: unknown): readonly string[] {
  const { versions = [] } = spec as { versions?: { name: string; served: boolean }[] };
  return versions.filter(({ served }) => served).map(({ name }) => name);
}
