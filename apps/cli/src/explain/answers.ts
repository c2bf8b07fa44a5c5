/** Who answers a question about access: agents, by what they serve, or files, by what would be served. */
import type { AccessAnswer, HeddleClient } from "@heddle/client";
import type { WorkloadAccessQuestion } from "@heddle/model";
import { CliError } from "../output/cli-error.ts";
import type { IdentityOf, Workload } from "./question.ts";

export interface Answering {
  answer(question: WorkloadAccessQuestion): Promise<AccessAnswer>;
  readonly identityOf: IdentityOf;
}

export function answersOfMesh(client: HeddleClient, mesh: string): Answering {
  return {
    async answer(question) {
      const { agents, silent } = await client.explain(mesh, question);
      const found = agents.find(({ explanation }) => explanation !== undefined);
      if (found) return found;
      const known = [...new Set(agents.flatMap((each) => each.known))].toSorted();
      throw nobody(
        { namespace: question.namespace, name: question.workload },
        silent.length > 0 ? `${silent.join(", ")} did not answer. ` : "",
        known,
      );
    },
    async identityOf(workload) {
      const [{ items }, { trustDomain }] = await Promise.all([
        client.workloads(mesh),
        client.getMesh(mesh),
      ]);
      const ofNamespace = items.filter(({ namespace }) => namespace === workload.namespace);
      const account = ofNamespace.find(({ name }) => name === workload.name)?.serviceAccount;
      if (account) return identity(trustDomain, workload.namespace, account);
      throw nobody(
        workload,
        "",
        ofNamespace.map(({ name }) => name),
      );
    },
  };
}

export function identity(trustDomain: string, namespace: string, account: string): string {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${account}`;
}

export function nobody(
  { namespace, name }: Workload,
  more: string,
  known: readonly string[],
): CliError {
  return new CliError(
    "HDL9128",
    `Nobody knows a workload ${namespace}/${name}. ${more}`.trimEnd(),
    known.length > 0
      ? `In ${namespace} there are: ${known.join(", ")}.`
      : "Name a Deployment or a pod that has a proxy, or give its resources with -f.",
  );
}
