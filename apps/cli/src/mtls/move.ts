/** Moves namespaces to mutual TLS alone, one by one, and back. */
import type { HeddleClient, StoredObject } from "@heddle/client";
import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "../output/cli-error.ts";
import { type NamespacePlan, planOf } from "./plan.ts";
import { asBefore, ofNamespace, type PolicyChange, strict } from "./policy.ts";

/** Agents tell what is in force within a second or two. */
const IN_FORCE_WITHIN_MS = 30_000;
const LOOKS_MS = 500;

export interface Plane {
  readonly client: HeddleClient;
  readonly mesh: string;
}

/** What was seen in the last `seconds`. */
export async function plansOf({ client, mesh }: Plane, seconds: number): Promise<NamespacePlan[]> {
  const from = new Date(Date.now() - seconds * 1000).toISOString();
  return planOf(await client.mtls(mesh, { from }));
}

/** Resolves to the revision with which every workload of the namespace takes mutual TLS alone. Throws HDL9103 where some go on taking more. */
export async function enforce(plane: Plane, namespace: string): Promise<number> {
  const revision = await change(plane, `mutual TLS alone in ${namespace}`, (policies) => {
    const [policy] = ofNamespace(policies, namespace);
    return strict(namespace, policy);
  });
  await inForce(plane, namespace);
  return revision;
}

/** The namespaces that `enforce` has moved. */
export async function moved(plane: Plane): Promise<string[]> {
  const policies = await policiesOf(plane);
  return [
    ...new Set(policies.filter(asBefore).map(({ metadata }) => metadata.namespace)),
  ].toSorted();
}

/** Resolves to the revision with which the namespace's policy says what it said before. */
export function undo(plane: Plane, namespace: string): Promise<number> {
  return change(plane, `mutual TLS as before in ${namespace}`, (policies) => {
    for (const policy of ofNamespace(policies, namespace)) {
      const back = asBefore(policy);
      if (back) return back;
    }
    throw new CliError(
      "HDL9102",
      `Nothing is to be undone in ${namespace}: \`heddle mtls enforce\` has not changed its policy.`,
      "`heddle get peerauthentications -A` shows the policies that there are.",
      1,
    );
  });
}

/** Refused where somebody else writes at the same time: what was read is not so any more. */
async function change(
  { client, mesh }: Plane,
  message: string,
  changeOf: (policies: readonly StoredObject[]) => PolicyChange,
): Promise<number> {
  const { revision } = await client.getMesh(mesh);
  const { objects, delete: gone } = changeOf(await policiesOf({ client, mesh }));
  const result = await client.apply(mesh, {
    ...{ objects: [...objects], delete: [...gone], message, ifRevision: revision },
  });
  return result.revision;
}

async function policiesOf({ client, mesh }: Plane): Promise<StoredObject[]> {
  const policies: StoredObject[] = [];
  for await (const object of client.listObjects(mesh, { kind: "PeerAuthentication" }))
    policies.push(object);
  return policies;
}

/** Agents say of each workload what is in force, whoever's policies that comes of. */
async function inForce(plane: Plane, namespace: string): Promise<void> {
  const until = Date.now() + IN_FORCE_WITHIN_MS;
  for (;;) {
    const plans = await plansOf(plane, 60);
    const plan = plans.find((each) => each.namespace === namespace);
    if (plan?.standing === "strict") return;
    if (Date.now() > until) {
      const open = (plan?.workloads ?? []).filter(({ mode }) => mode !== "STRICT");
      throw new CliError(
        "HDL9103",
        `${open.map(({ name, mode }) => `${name} (${mode ?? "nobody says"})`).join(", ")} in ${namespace} still take more than mutual TLS.`,
        "Another policy stands over the namespace's: one that selects these workloads, or an older one that kubectl has applied. Change it, or take this back with `heddle mtls undo`.",
        1,
      );
    }
    await sleep(LOOKS_MS);
  }
}
