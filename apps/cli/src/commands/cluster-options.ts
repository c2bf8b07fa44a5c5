/** Options of commands that are about an installation in a cluster, called as istioctl's users know them. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { ValueFlags } from "../cluster/values.ts";
import { CliError } from "../output/cli-error.ts";
import { collect } from "./options.ts";

export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: string;
}

/** Where the agent lies, unless it is told otherwise. */
const NAMESPACE = "heddle-system";

export function withNamespace(command: Command): Command {
  return command.option("-n, --namespace <namespace>", "the namespace of the agent", NAMESPACE);
}

export function withCluster(command: Command): Command {
  return withKubeconfig(withNamespace(command));
}

export function withKubeconfig(command: Command): Command {
  return command
    .option("-c, --kubeconfig <file>", "the kubeconfig (KUBECONFIG, then ~/.kube/config)")
    .option("--context <name>", "of the kubeconfig; its current one without it");
}

export function withValues(command: Command): Command {
  return command
    .option(
      "-f, --filename <file>",
      "a file of values, as for the Helm chart; may be repeated",
      collect,
      [],
    )
    .option(
      "-s, --set <name=value>",
      "one value, such as profile=demo; may be repeated",
      collect,
      [],
    )
    .option("--set-string <name=value>", "one value that is text; may be repeated", collect, [])
    .option("-r, --revision <name>", "beside other installations: which one this is");
}

export function withConsent(command: Command): Command {
  return command
    .option("-y, --skip-confirmation", "do it without asking")
    .option("--dry-run", "only say what would be done");
}

const WAIT = "5m";

export const waitOption = (): Option =>
  new Option("--timeout <duration>", "how long to wait for it")
    .argParser(parseWait)
    .default(parseWait(WAIT), WAIT);

/** Milliseconds of `90s`, `5m`, `1h`. */
function parseWait(text: string): number {
  const [, count = "", unit = ""] = /^(\d+)(s|m|h)$/.exec(text) ?? [];
  const milliseconds = Number(count) * ({ s: 1000, m: 60_000, h: 3_600_000 }[unit] ?? Number.NaN);
  if (!(milliseconds > 0)) throw new InvalidArgumentError("Give a duration such as 90s or 5m.");
  return milliseconds;
}

export type InstallFlags = ClusterFlags &
  ValueFlags & { readonly skipConfirmation?: boolean; readonly dryRun?: boolean };

/** Throws HDL9065 where the answer is no, or nobody is there to give one. */
export async function consent(question: string, skip: boolean | undefined): Promise<void> {
  if (skip) return;
  if (process.stdin.isTTY !== true)
    throw new CliError("HDL9065", `${question} Nobody is here to say so.`, "Give -y to go on.", 2);
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await lines.question(`${question} (y/N) `);
  lines.close();
  if (!/^y(?:es)?$/i.test(answer.trim()))
    throw new CliError("HDL9065", "Nothing was changed.", "Answer y to go on.");
}
