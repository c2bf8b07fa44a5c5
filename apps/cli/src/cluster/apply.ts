/** Puts an installation's objects into a cluster, each where it needs those before it. */
import type { KubernetesClient } from "@heddle/agent/kubernetes";
import {
  DATA_LABEL,
  GATEWAY_NAMES,
  INJECTOR_CONFIGURATION,
  type Installation,
  type InstallationObjects,
  type KubernetesObject,
  isOwn,
  keysOf,
  ofRevision,
  PLANE,
  VALIDATOR_CONFIGURATION,
} from "@heddle/kube";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "../output/cli-error.ts";
import { asked } from "./connect.ts";
import { nameOf, placeOf } from "./places.ts";
import { waitUntilReady } from "./ready.ts";

/** Owns the fields that are applied; the agent, which adds to some of the objects, is another. */
const MANAGER = "heddle-install";
const POLL_MS = 200;

export type Say = (line: string) => void;

export interface ApplyOptions {
  /** Whether it is waited until plane and agent serve. */
  readonly wait: boolean;
  /** For that, milliseconds. */
  readonly timeout: number;
  readonly say: Say;
}

/** What would become of each object. */
export type Plan = readonly {
  readonly object: KubernetesObject;
  readonly does: "create" | "update" | "leave";
}[];

/** Throws HDL9066 where objects of the installation's names are another's. */
export async function planned(
  client: KubernetesClient,
  objects: readonly KubernetesObject[],
): Promise<Plan> {
  const plan: Plan[number][] = [];
  for (const object of objects) {
    const there = await asked(client, `say whether there is ${nameOf(object)}`, () =>
      client.find(placeOf(object), object.metadata.name),
    );
    if (there === undefined) plan.push({ object, does: "create" });
    else if (isOwn(there.metadata.labels)) plan.push({ object, does: "update" });
    // What Istio or the cluster's owner made stays as it is, and stays when Heddle goes.
    else if (isShared(object)) plan.push({ object, does: "leave" });
    else throw takenBy(object, there);
  }
  return plan;
}

export async function applyInstallation(
  client: KubernetesClient,
  installation: Installation,
  objects: InstallationObjects,
  plan: Plan,
  options: ApplyOptions,
): Promise<void> {
  const left = new Set(plan.filter(({ does }) => does === "leave").map(({ object }) => object));
  const apply = async (all: readonly KubernetesObject[]) => {
    for (const object of all)
      if (!left.has(object))
        await asked(client, `take ${nameOf(object)}`, () =>
          client.apply(placeOf(object), object, { manager: MANAGER }),
        );
  };
  const { say } = options;
  await apply(objects.definitions);
  await established(client, objects.definitions, options.timeout);
  if (objects.definitions.length > 0) say(`definitions: ${objects.definitions.length}`);
  await apply([objects.namespace]);
  const ready = async (all: readonly KubernetesObject[]) => {
    if (options.wait) await waitUntilReady(client, all, options.timeout, say);
  };
  await apply(objects.plane);
  if (objects.plane.length > 0) say(`objects of the plane: ${objects.plane.length}`);
  await ready(objects.plane);
  await apply(objects.agent);
  say(`objects of the agent: ${objects.agent.length}`);
  await ready(objects.agent);
  // From now on pods and rules go through the agent.
  await apply(objects.webhooks);
  if (objects.webhooks.length > 0) say(`webhooks: ${objects.webhooks.length}`);
  await apply(objects.gateways);
  if (options.wait) await waitUntilReady(client, objects.gateways, options.timeout, say);
  await removeUnwanted(client, installation, objects, say);
}

/** Objects that other values would have, and these have not: a plane, a budget, an autoscaler, webhooks. Data stays. */
async function removeUnwanted(
  client: KubernetesClient,
  installation: Installation,
  objects: InstallationObjects,
  say: Say,
): Promise<void> {
  const { plane, agent, webhooks, gateways } = objects;
  const wanted = new Set([...plane, ...agent, ...webhooks, ...gateways].map(nameOf));
  for (const object of possibleObjects(installation)) {
    if (wanted.has(nameOf(object))) continue;
    const there = await client.find(placeOf(object), object.metadata.name);
    if (there === undefined || !isOwn(there.metadata.labels)) continue;
    if (there.metadata.labels?.[DATA_LABEL] !== undefined) continue;
    await asked(client, `remove ${nameOf(object)}`, () =>
      client.remove(placeOf(object), object.metadata.name),
    );
    say(`removed ${nameOf(object)}`);
  }
}

/** Those that depend on values, by name alone. */
export function possibleObjects({
  namespace,
  values: { revision },
}: Installation): KubernetesObject[] {
  const cluster = (kind: string, name: string) => ({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name: ofRevision(name, revision) },
  });
  const own = (apiVersion: string, kind: string) => (name: string) => ({
    ...{ apiVersion, kind },
    metadata: { name: ofRevision(name, revision), namespace },
  });
  const workloads = ["heddle-agent", PLANE, ...GATEWAY_NAMES];
  return [
    cluster("MutatingWebhookConfiguration", INJECTOR_CONFIGURATION),
    cluster("ValidatingWebhookConfiguration", VALIDATOR_CONFIGURATION),
    ...workloads.map(own("apps/v1", "Deployment")),
    ...workloads.map(own("v1", "Service")),
    ...workloads.map(own("policy/v1", "PodDisruptionBudget")),
    ...workloads.map(own("autoscaling/v2", "HorizontalPodAutoscaler")),
    ...[...GATEWAY_NAMES, PLANE].map(own("v1", "ServiceAccount")),
    own("v1", "Secret")(keysOf(PLANE)),
    own("rbac.authorization.k8s.io/v1", "RoleBinding")(PLANE),
    own("rbac.authorization.k8s.io/v1", "Role")(PLANE),
  ];
}

/** Kinds that are there before they are used. */
async function established(
  client: KubernetesClient,
  definitions: readonly KubernetesObject[],
  timeout: number,
): Promise<void> {
  const deadline = Date.now() + timeout;
  for (const definition of definitions)
    for (;;) {
      const there = await client.find(placeOf(definition), definition.metadata.name);
      const { conditions = [] } = (there?.["status"] ?? {}) as {
        conditions?: { type: string; status: string; message?: string }[];
      };
      if (conditions.some(({ type, status }) => type === "Established" && status === "True")) break;
      if (Date.now() > deadline)
        throw new CliError(
          "HDL9067",
          `${nameOf(definition)} is not established after ${timeout / 1000} s.`,
          "See its conditions with `kubectl describe`.",
        );
      await sleep(POLL_MS);
    }
}

/** Others may have made it before, for themselves. */
function isShared({ kind }: KubernetesObject): boolean {
  return kind === "CustomResourceDefinition" || kind === "Namespace";
}

function takenBy(
  object: KubernetesObject,
  there: { readonly metadata: KubernetesObject["metadata"] },
): CliError {
  const release = there.metadata.annotations?.["meta.helm.sh/release-name"];
  return new CliError(
    "HDL9066",
    release === undefined
      ? `There is a ${nameOf(object)} that Heddle did not make.`
      : `${nameOf(object)} is of the Helm release ${release}.`,
    release === undefined
      ? "Install with another --revision or --namespace, or remove it."
      : `Go on with Helm: \`helm upgrade ${release}\`, \`helm uninstall ${release}\`; or install beside it with another --revision.`,
  );
}
