/** `heddle ca revoke`: agents and workloads that nobody is to take any more. */
import type { RevocationInfo } from "@heddle/client";
import { Argument, Command } from "commander";
import { age, dim, printJson, red, table, yellow } from "../output/print.ts";
import { type PlaneOptions, withOutput, withPlane } from "./options.ts";
import { openPlane } from "./plane.ts";

export function revokeCommand(): Command {
  return withOutput(withPlane(new Command("revoke")))
    .description("refuse an agent with all that it has signed, or a workload, within seconds")
    .addArgument(new Argument("<kind>", "what is revoked").choices(["agent", "workload"]))
    .argument("<name>", "of an agent, or NAMESPACE/SERVICE-ACCOUNT of a workload")
    .option("--reason <text>", "why, as `heddle ca revocations` has it", "")
    .addHelpText(
      "after",
      "\nThe mesh goes to a new root of the plane's, and waits for nobody longer than a moment: agents that are away\nare cut off until they are back.\n\nExamples:\n  heddle ca revoke agent west --reason 'its machine was lost'\n  heddle ca revoke workload shop/reviews",
    )
    .action(
      async (
        kind: "agent" | "workload",
        name: string,
        options: PlaneOptions & { reason: string },
      ) => {
        const { client, context } = await openPlane(options);
        const subject = kind === "agent" ? name : await identityOf(name);
        const { reason } = options;
        const made = await client.revoke(context.mesh, { kind, subject, reason });
        if (options.output === "json") return printJson(made);
        process.stdout.write(`${kind} ${subject} revoked\n`);
        process.stderr.write(dim("  → `heddle ca revocations` says when proxies refuse it\n"));

        async function identityOf(text: string): Promise<string> {
          const [, namespace, account] = /^([^/]+)\/([^/]+)$/.exec(text) ?? [];
          if (namespace === undefined) return text;
          const { trustDomain } = await client.getMesh(context.mesh);
          return `spiffe://${trustDomain}/ns/${namespace}/sa/${account}`;
        }
      },
    );
}

export function revocationsCommand(): Command {
  return withOutput(withPlane(new Command("revocations")))
    .description("agents and workloads that were revoked, and whether they are refused everywhere")
    .action(async (options: PlaneOptions) => {
      const { client, context } = await openPlane(options);
      const { items } = await client.revocations(context.mesh);
      if (options.output === "json") return printJson(items);
      const rows = items.map((each) => [
        ...[each.id, each.kind, each.subject, stateOf(each)],
        ...[age(Date.now() - Date.parse(each.createdAt)), each.reason],
      ]);
      process.stdout.write(`${table(["ID", "KIND", "OF", "STATE", "AGE", "REASON"], rows)}\n`);
    });
}

function stateOf({ effectiveAt, liftedAt }: RevocationInfo): string {
  if (liftedAt) return dim("lifted");
  return effectiveAt ? red("refused") : yellow("under way");
}

export function reinstateCommand(): Command {
  return withOutput(withPlane(new Command("reinstate")))
    .description("let a workload in again that was revoked")
    .argument("<id>", "as `heddle ca revocations` has it")
    .action(async (id: string, options: PlaneOptions) => {
      const { client, context } = await openPlane(options);
      await client.liftRevocation(context.mesh, id);
      if (options.output === "json") return printJson({ lifted: id });
      process.stdout.write(`revocation ${id} lifted\n`);
    });
}
