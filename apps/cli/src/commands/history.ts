/** `heddle history` and `rollback`: the revisions of a mesh. */
import { Command, InvalidArgumentError } from "commander";
import type { ContextFlags } from "../context/context.ts";
import { CliError } from "../output/cli-error.ts";
import { showResult } from "../output/apply-result.ts";
import { age, dim, green, printJson, table, yellow } from "../output/print.ts";
import { parseCount, type PlaneOptions, withOutput, withPlane } from "./options.ts";
import { openPlane } from "./plane.ts";

export function historyCommands(): Command[] {
  return [historyCommand(), rollbackCommand()];
}

function historyCommand(): Command {
  return withOutput(withPlane(new Command("history")))
    .description("the revisions of a mesh, newest first")
    .argument("[revision]", "show what this revision changed", parseRevision)
    .option("--limit <n>", "how many", parseCount, 20)
    .action(async (number: number | undefined, options: PlaneOptions & { limit: number }) => {
      const { client, context } = await openPlane(options);
      if (number !== undefined)
        return showRevision(options.output, await client.diffRevision(context.mesh, number));
      const page = await client.revisions(context.mesh, { limit: options.limit });
      if (options.output === "json") return printJson(page.items);
      const rows = page.items.map((r) => [
        String(r.number),
        age(Date.now() - Date.parse(r.createdAt)),
        r.author,
        `${r.changes.filter((c) => c.action !== "unchanged").length}`,
        r.convergence.state === "applied" ? green("applied") : yellow(r.convergence.state),
        `${r.convergence.acknowledged}/${r.convergence.proxies}`,
        r.message || (r.rollbackOf === undefined ? "" : `rollback to ${r.rollbackOf}`),
      ]);
      process.stdout.write(
        `${table(["REVISION", "AGE", "AUTHOR", "CHANGES", "STATE", "PROXIES", "MESSAGE"], rows)}\n`,
      );
    });
}

async function showRevision(
  output: string,
  diff: { objects: { key: string; before: string | null; after: string | null }[] },
): Promise<void> {
  if (output === "json") return printJson(diff);
  const { unifiedDiff } = await import("../output/unified-diff.ts");
  for (const { key, before, after } of diff.objects) {
    process.stdout.write(unifiedDiff(key, before ?? "", after ?? ""));
  }
}

interface RollbackOptions extends ContextFlags {
  readonly output: string;
  readonly dryRun?: boolean;
  readonly message?: string;
}

function rollbackCommand(): Command {
  return withOutput(withPlane(new Command("rollback")))
    .description("make a new revision that restores an earlier one")
    .argument(
      "[revision]",
      "the revision to restore; the one before the newest without it",
      parseRevision,
    )
    .option("--dry-run", "say what it would change, change nothing")
    .option("--message <text>", "why, kept with the revision")
    .action(async (number: number | undefined, options: RollbackOptions) => {
      const { client, context } = await openPlane(options);
      const target = number ?? (await client.getMesh(context.mesh)).revision - 1;
      if (target < 0)
        throw new CliError("HDL9040", "There is no earlier revision.", "See `heddle history`.");
      const result = await client.rollback(context.mesh, target, {
        ...(options.message ? { message: options.message } : {}),
        ...(options.dryRun ? { dryRun: true } : {}),
      });
      if (options.output === "json") return printJson(result);
      if (options.dryRun) return showResult(result, options.output);
      process.stdout.write(
        `restored revision ${target} ${dim(`as revision ${result.revision}`)}\n`,
      );
    });
}

function parseRevision(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0)
    throw new InvalidArgumentError("A revision is a whole number from 0 on.");
  return number;
}
