/** Takes an installation out of a cluster: what was applied, what the agent made itself, and what nobody uses any more. */
import {
  ApiFailure,
  type KubernetesClient,
  type KubernetesObject,
  type Place,
} from "@heddle/agent/kubernetes";
import { DATA_LABEL, OWN_LABELS, ofRevision, STATE_PART_LABEL } from "@heddle/kube";
import { REVISION_LABEL } from "@heddle/model";
import { CliError } from "../output/cli-error.ts";
import type { Say } from "./apply.ts";
import { asked } from "./connect.ts";
import { type Found, gone, removeFound } from "./found.ts";

const ownLabel = (label: keyof typeof OWN_LABELS) => `${label}=${OWN_LABELS[label]}`;
const OURS = ownLabel("app.kubernetes.io/managed-by");
const PART = ownLabel("app.kubernetes.io/part-of");

const place = (apiVersion: string, plural: string): Place => ({ apiVersion, plural });
/** First of all, or nobody could start pods any more. */
const WEBHOOKS = [
  place("admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations"),
  place("admissionregistration.k8s.io/v1", "validatingwebhookconfigurations"),
];
/** Before the rest: an agent that runs would make some of it again. */
const DEPLOYMENTS = place("apps/v1", "deployments");
const CLUSTER_ROLES = place("rbac.authorization.k8s.io/v1", "clusterroles");
const REST = [
  place("autoscaling/v2", "horizontalpodautoscalers"),
  place("policy/v1", "poddisruptionbudgets"),
  place("v1", "services"),
  place("v1", "configmaps"),
  place("v1", "secrets"),
  place("v1", "persistentvolumeclaims"),
  place("coordination.k8s.io/v1", "leases"),
  place("gateway.networking.k8s.io/v1", "gatewayclasses"),
  place("rbac.authorization.k8s.io/v1", "rolebindings"),
  place("rbac.authorization.k8s.io/v1", "roles"),
  place("rbac.authorization.k8s.io/v1", "clusterrolebindings"),
  CLUSTER_ROLES,
  place("v1", "serviceaccounts"),
];
const DEFINITIONS = place("apiextensions.k8s.io/v1", "customresourcedefinitions");
const NAMESPACES = place("v1", "namespaces");

export interface Removal {
  readonly namespace: string;
  readonly revision: string;
  /** Also definitions that have objects, with these, and a plane's data. */
  readonly purge: boolean;
  /** Milliseconds. */
  readonly timeout: number;
  readonly say: Say;
}

/** What would be removed, and whether it is the last installation of the cluster. */
export interface RemovalPlan {
  readonly isLast: boolean;
  readonly objects: readonly Found[];
  /** A plane's data, where it is to outlive it. */
  readonly kept: readonly Found[];
}

/** Throws HDL9069 where there is nothing of that revision. */
export async function plannedRemoval(
  client: KubernetesClient,
  { namespace, revision, purge }: Removal,
): Promise<RemovalPlan> {
  const all: Found[] = [];
  for (const kind of [...WEBHOOKS, DEPLOYMENTS, ...REST])
    all.push(...(await labelled(client, kind)));
  const revisionOf = ({ object }: Found) => object.metadata.labels?.[REVISION_LABEL];
  const own = all.filter((found) => revisionOf(found) === revision);
  // Definitions may have stayed from a removal before.
  if (own.length === 0 && !purge)
    throw new CliError(
      "HDL9069",
      `There is no Heddle of revision ${revision} in the cluster at ${client.address}.`,
      "Check --context and --revision; what Helm installed `helm uninstall` removes.",
    );
  // Helm's too, which are not ours to remove.
  const roles = await listed(client, CLUSTER_ROLES, `${PART},${REVISION_LABEL}`);
  const others = roles.filter(({ metadata }) => metadata.labels?.[REVISION_LABEL] !== revision);
  const parted = (objects: readonly Found[]) => ({
    objects: objects.filter((found) => purge || !isData(found)),
    kept: objects.filter((found) => !purge && isData(found)),
  });
  if (others.length === 0) return { isLast: true, ...parted(all) };
  // What the agent makes for itself is called by its revision, in its own namespace. The authority is that of all revisions.
  const names = ["leader", "webhook", "state"].map((name) =>
    ofRevision(`heddle-agent-${name}`, revision),
  );
  const isIts = ({ name, labels }: KubernetesObject["metadata"]) =>
    names.includes(name) || names.includes(labels?.[STATE_PART_LABEL] ?? "");
  const itself = all.filter(
    ({ object: { metadata } }) => metadata.namespace === namespace && isIts(metadata),
  );
  return { isLast: false, ...parted([...new Set([...own, ...itself])]) };
}

/** Resolves when all of it is gone, to lines that say what was left and why. */
export async function removeInstallation(
  client: KubernetesClient,
  plan: RemovalPlan,
  removal: Removal,
): Promise<string[]> {
  const { say, namespace } = removal;
  const isWebhook = ({ place: { plural } }: Found) => plural.endsWith("webhookconfigurations");
  const isDeployment = ({ place: { plural } }: Found) => plural === DEPLOYMENTS.plural;
  const deployments = plan.objects.filter(isDeployment);
  for (const found of plan.objects.filter(isWebhook)) await removeFound(client, found);
  // With their pods: until these are gone an agent writes.
  for (const found of deployments) await removeFound(client, found, "Foreground");
  for (const found of deployments) await gone(client, found, removal.timeout);
  say(`agents and gateways: ${deployments.length}`);
  for (const found of plan.objects)
    if (!isWebhook(found) && !isDeployment(found)) await removeFound(client, found);
  // What the agents made while they ended.
  const rest = plan.isLast
    ? (await Promise.all(REST.map((kind) => labelled(client, kind)))).flat()
    : [];
  for (const found of rest) if (removal.purge || !isData(found)) await removeFound(client, found);
  say(`objects: ${plan.objects.length}`);
  const data = plan.kept.map(
    ({ place: { plural }, object: { metadata } }) =>
      `${plural} ${metadata.namespace}/${metadata.name} stays: a plane's data; --purge removes it too.`,
  );
  if (!plan.isLast)
    return [...data, "Definitions and the namespace stay: another revision of Heddle uses them."];
  const left = [...data, ...(await removeDefinitions(client, removal))];
  const holdsData = plan.kept.some(({ object }) => object.metadata.namespace === namespace);
  if (holdsData) return [...left, `Namespace ${namespace} stays: the data is in it.`];
  return [...left, ...(await removeNamespace(client, namespace, removal))];
}

function isData({ object }: Found): boolean {
  return object.metadata.labels?.[DATA_LABEL] !== undefined;
}

async function removeDefinitions(client: KubernetesClient, removal: Removal): Promise<string[]> {
  const left: string[] = [];
  const removed: Found[] = [];
  for (const found of await labelled(client, DEFINITIONS)) {
    const { metadata } = found.object;
    const objects = removal.purge ? 0 : await objectsOf(client, found);
    if (objects > 0)
      left.push(
        `${metadata.name} stays: there ${objects === 1 ? "is 1 object" : `are ${objects} objects`} of it; --purge removes them too.`,
      );
    else {
      await removeFound(client, found);
      removed.push(found);
    }
  }
  for (const found of removed) await gone(client, found, removal.timeout);
  removal.say(`definitions: ${removed.length}`);
  return left;
}

async function objectsOf(client: KubernetesClient, { object }: Found): Promise<number> {
  const { spec } = object as unknown as {
    spec: {
      group: string;
      names: { plural: string };
      versions: { name: string; storage: boolean }[];
    };
  };
  const version = spec.versions.find(({ storage }) => storage)?.name ?? "v1";
  return (await listed(client, place(`${spec.group}/${version}`, spec.names.plural))).length;
}

/** Only one that the installation made, and where nobody else's pods are. */
async function removeNamespace(
  client: KubernetesClient,
  namespace: string,
  removal: Removal,
): Promise<string[]> {
  const found = (await labelled(client, NAMESPACES)).find(
    ({ object }) => object.metadata.name === namespace,
  );
  if (found === undefined) return [];
  const pods = await listed(client, { ...place("v1", "pods"), namespace });
  const strangers = pods.filter(({ metadata }) => metadata.labels?.[REVISION_LABEL] === undefined);
  if (strangers.length > 0)
    return [`Namespace ${namespace} stays: others have ${strangers.length} pods in it.`];
  await removeFound(client, found);
  await gone(client, found, removal.timeout);
  removal.say(`namespace ${namespace}`);
  return [];
}

async function labelled(client: KubernetesClient, kind: Place): Promise<Found[]> {
  const objects = await listed(client, kind, OURS);
  return objects.map((object) => {
    const { namespace } = object.metadata;
    return { place: namespace === undefined ? kind : { ...kind, namespace }, object };
  });
}

/** None of a kind that the cluster does not have. */
async function listed(
  client: KubernetesClient,
  kind: Place,
  labelSelector?: string,
): Promise<KubernetesObject[]> {
  return asked(client, `list ${kind.plural}`, async () => {
    try {
      return await client.list(kind, labelSelector === undefined ? {} : { labelSelector });
    } catch (error) {
      if (error instanceof ApiFailure && error.missing) return [];
      throw error;
    }
  });
}
