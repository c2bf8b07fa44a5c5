/** `heddle mtls`: to mutual TLS alone, namespace by namespace, by what telemetry says of who calls, and back. */
import { Command } from "commander";
import type { Plane } from "../mtls/move.ts";
import type { NamespacePlan } from "../mtls/plan.ts";
import { CliError } from "../output/cli-error.ts";
import { age, dim, green, printJson } from "../output/print.ts";
import { parseSeconds, type PlaneOptions, withOutput, withPlane } from "./options.ts";
import { openPlane } from "./plane.ts";

type Looking = PlaneOptions & { readonly since: number };

export function mtlsCommand(): Command {
  return new Command("mtls")
    .description("who still calls in plaintext, and the way to mutual TLS alone and back")
    .addCommand(statusCommand())
    .addCommand(planCommand())
    .addCommand(enforceCommand())
    .addCommand(undoCommand());
}

function lookingBack(command: Command): Command {
  return withOutput(withPlane(command)).option(
    "--since <duration>",
    "how long to look back, such as 10m, 24h or 7d",
    parseSeconds,
    3600,
  );
}

function statusCommand(): Command {
  return lookingBack(new Command("status"))
    .description("what each namespace takes, and how much came to it in plaintext")
    .action(async (options: Looking) => {
      const { plans } = await look(options);
      if (options.output === "json") return printJson(plans);
      const { showStatus } = await import("../mtls/show.ts");
      showStatus(plans);
    });
}

function planCommand(): Command {
  return lookingBack(new Command("plan"))
    .description("in which order namespaces can move, and who would be shut out of the rest")
    .action(async (options: Looking) => {
      const { plans } = await look(options);
      if (options.output === "json") return printJson(plans);
      const { showPlan } = await import("../mtls/show.ts");
      showPlan(plans, windowOf(options));
      if (plans.some(({ standing }) => standing === "ready"))
        hint("`heddle mtls enforce --ready` moves what is ready, in this order");
    });
}

function enforceCommand(): Command {
  return lookingBack(new Command("enforce"))
    .description("let namespaces take mutual TLS alone; refused where somebody would be shut out")
    .argument("[namespaces...]", "their names, in the order in which they move")
    .option("--ready", "all that are ready, in the order of the plan")
    .option("--force", "also where somebody came in plaintext, or nobody came at all")
    .addHelpText(
      "after",
      "\nExamples:\n  heddle mtls plan --since 24h\n  heddle mtls enforce shop --since 24h\n  heddle mtls undo shop",
    )
    .action(async (names: string[], options: Looking & { ready?: boolean; force?: boolean }) => {
      const { plane, plans } = await look(options);
      const chosen = options.ready
        ? plans.filter(({ standing }) => standing === "ready")
        : names.map((name) => planNamed(plans, name));
      if (!options.ready && names.length === 0) throw nobody("heddle mtls enforce");
      if (!options.force) await refuseEarly(chosen, windowOf(options));
      const { enforce } = await import("../mtls/move.ts");
      const moving = chosen.filter(({ standing }) => standing !== "strict");
      await eachNamespace(
        moving.map(({ namespace }) => namespace),
        options,
        { done: "takes mutual TLS alone", none: "Nothing is left to move." },
        (namespace) => enforce(plane, namespace),
      );
      if (moving.length > 0) hint("`heddle mtls undo NAMESPACE` goes back");
    });
}

function undoCommand(): Command {
  return withOutput(withPlane(new Command("undo")))
    .description("let namespaces take what they took before `enforce`")
    .argument("[namespaces...]", "their names")
    .option("--all", "all that were moved")
    .action(async (names: string[], options: PlaneOptions & { all?: boolean }) => {
      const plane = await planeOf(options);
      const { moved, undo } = await import("../mtls/move.ts");
      if (!options.all && names.length === 0) throw nobody("heddle mtls undo");
      await eachNamespace(
        options.all ? await moved(plane) : names,
        options,
        { done: "takes what it took before", none: "No namespace was moved." },
        (namespace) => undo(plane, namespace),
      );
    });
}

async function planeOf(options: PlaneOptions): Promise<Plane> {
  const { client, context } = await openPlane(options);
  return { client, mesh: context.mesh };
}

async function look(options: Looking): Promise<{ plane: Plane; plans: NamespacePlan[] }> {
  const plane = await planeOf(options);
  const { plansOf } = await import("../mtls/move.ts");
  return { plane, plans: await plansOf(plane, options.since) };
}

function planNamed(plans: readonly NamespacePlan[], name: string): NamespacePlan {
  const plan = plans.find(({ namespace }) => namespace === name);
  if (plan) return plan;
  throw new CliError(
    "HDL9101",
    `No agent of the mesh has workloads in a namespace ${name}.`,
    `There are: ${plans.map(({ namespace }) => namespace).join(", ") || "none"}.`,
    1,
  );
}

/** Before anything is moved: what is half done helps nobody. */
async function refuseEarly(chosen: readonly NamespacePlan[], window: string): Promise<void> {
  const early = chosen.filter(({ standing }) => standing !== "ready" && standing !== "strict");
  if (early.length === 0) return;
  const { callerLines, reasonOf } = await import("../mtls/show.ts");
  const lines = early.flatMap((plan) => [
    `${plan.namespace}: ${reasonOf(plan, window)}`,
    ...callerLines(plan.callers),
  ]);
  throw new CliError(
    "HDL9100",
    `Nothing was moved.\n${lines.join("\n")}`,
    "Let these callers join the mesh first, and look back no further than to when they did (--since 10m). --force moves all the same.",
    1,
  );
}

function nobody(command: string): CliError {
  return new CliError(
    "HDL9101",
    "No namespace is named.",
    `Name some, or all of a kind: \`${command} --help\`.`,
    2,
  );
}

async function eachNamespace(
  namespaces: readonly string[],
  { output }: PlaneOptions,
  say: { readonly done: string; readonly none: string },
  work: (namespace: string) => Promise<number>,
): Promise<void> {
  const results: { namespace: string; revision: number }[] = [];
  for (const namespace of namespaces) {
    const revision = await work(namespace);
    results.push({ namespace, revision });
    if (output !== "json")
      process.stdout.write(
        `${green("✓")} ${namespace} ${say.done} ${dim(`(revision ${revision})`)}\n`,
      );
  }
  if (output === "json") printJson(results);
  else if (results.length === 0) process.stderr.write(`${say.none}\n`);
}

function windowOf({ since }: Looking): string {
  return age(since * 1000);
}

function hint(text: string): void {
  process.stderr.write(dim(`  → ${text}\n`));
}
