/** `heddle agent debug graph`: what a change made the agent's engine compute, and why. */
import type { RecordedChange } from "@heddle/translate";
import { Argument, Command } from "commander";
import type { ContextFlags } from "../context/context.ts";
import { CliError } from "../output/cli-error.ts";
import { printJson } from "../output/print.ts";
import { AGENT_DEBUG, agentChanges, agentOf } from "./agent-debug.ts";
import { parseCount, withOutput } from "./options.ts";

interface GraphOptions extends ContextFlags {
  readonly output: string;
  readonly agent?: string;
  readonly object?: string;
  readonly list?: true;
}

export function agentGraphCommand(): Command {
  return withOutput(new Command("graph"), ["text", "json"])
    .description("what a change made the engine compute, from its objects to the proxies, and why")
    .addArgument(
      new Argument("[change]", "its number; the last change without it").argParser(parseCount),
    )
    .option("--object <kind/name>", "the last change of such an object; kind/namespace/name too")
    .option("--list", "the changes that are kept, one a line")
    .option("--agent <url>", `the agent's debug address; the context's, or ${AGENT_DEBUG}`)
    .option("--context <name>", "a saved context (HEDDLE_CONTEXT)")
    .addHelpText(
      "after",
      `
What a line stands for ran because of the line above it: of all that it reads, that was the first to be another.
Values that come out equal stop there.

Examples:
  heddle agent debug graph
  heddle agent debug graph --object VirtualService/shop/reviews
  heddle agent debug graph --list
  heddle agent debug graph 17 -o json`,
    )
    .action(async (number: number | undefined, options: GraphOptions) => {
      const changes = await agentChanges(await agentOf(options));
      const meant = changes.filter(
        (change) =>
          (number === undefined || change.number === number) &&
          (options.object === undefined || isOf(change, options.object)),
      );
      const last = meant.at(-1);
      const chosen = options.list ? meant : last;
      if (chosen === undefined) throw noSuchChange(changes);
      if (options.output === "json") return printJson(chosen);
      const { changeList, changeTree } = await import("../output/change-tree.ts");
      process.stdout.write(options.list ? changeList(meant) : changeTree(last as RecordedChange));
    });
}

/** `kind/name` or `kind/namespace/name`, in any case, of the objects that are listed. */
function isOf({ objects }: RecordedChange, wanted: string): boolean {
  const [kind = "", ...name] = wanted.toLowerCase().split("/");
  return objects.some((key) => {
    const [, ofKind, namespace, ofName] = key.toLowerCase().split("/");
    return ofKind === kind && [ofName, `${namespace}/${ofName}`].includes(name.join("/"));
  });
}

function noSuchChange(changes: readonly RecordedChange[]): CliError {
  const [first, last] = [changes.at(0), changes.at(-1)];
  return new CliError(
    "HDL9150",
    first === undefined || last === undefined
      ? "The agent's model has not changed since it started."
      : `None of the changes that the agent keeps is meant: it has ${first.number} to ${last.number}.`,
    "`heddle agent debug graph --list` has them; make the change again, and ask at once.",
  );
}
