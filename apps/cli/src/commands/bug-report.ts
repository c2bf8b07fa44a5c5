/** `heddle bug-report`: what is to be known of a cluster's mesh to find what is wrong with it, as one archive. */
import path from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { CliError } from "../output/cli-error.ts";
import { green } from "../output/print.ts";
import { type ClusterFlags, withCluster } from "./cluster-options.ts";
import { parseCount, parseSeconds } from "./options.ts";

interface BugReportFlags extends ClusterFlags {
  readonly revision: string;
  readonly include: string[];
  readonly exclude?: string[];
  readonly duration: number;
  readonly outputDir: string;
  readonly maxProxies: number;
  readonly maxSize: number;
}

export function bugReportCommand(): Command {
  return withCluster(new Command("bug-report"))
    .description("gather what is to be known of a cluster's mesh in one archive, without secrets")
    .option("-r, --revision <name>", "of the installation", "default")
    .option(
      "--include <names>",
      "namespaces, or pods as NAMESPACE/POD, by commas, * for any part of a name; all without it",
      parseNames,
      [],
    )
    .option("--exclude <names>", "those that are left out; Kubernetes' own without it", parseNames)
    .option("--duration <duration>", "how far back logs go", parseSeconds, parseSeconds("24h"))
    .option("--output-dir <folder>", "where the archive is put", ".")
    .option("--max-proxies <number>", "how many proxies are asked", parseCount, 50)
    .option(
      "--max-size <size>",
      "of all files, before they are packed",
      parseSize,
      parseSize("200Mi"),
    )
    .addHelpText(
      "after",
      "\nExamples:\n  heddle bug-report\n  heddle bug-report --include 'shop,pay/web-*' --duration 30m --output-dir /tmp",
    )
    .action(bugReport);
}

function parseNames(text: string, before: readonly string[] = []): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.some((name) => !/^[a-z0-9*.-]+(?:\/[a-z0-9*.-]+)?$/.test(name)))
    throw new InvalidArgumentError("Give names by commas, such as shop,pay/web-*.");
  return [...before, ...names];
}

/** Bytes of `50Mi`, `1Gi`. */
function parseSize(text: string): number {
  const [, count = "", unit = ""] = /^(\d+)(Ki|Mi|Gi)$/.exec(text) ?? [];
  const bytes = Number(count) * ({ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 }[unit] ?? Number.NaN);
  if (!(bytes > 0)) throw new InvalidArgumentError("Give a size such as 50Mi or 1Gi.");
  return bytes;
}

async function bugReport(flags: BugReportFlags): Promise<void> {
  const [{ connect, asked }, { writeReport }, { USUALLY_EXCLUDED }] = await Promise.all([
    import("../cluster/connect.ts"),
    import("../bug-report/report.ts"),
    import("../bug-report/chosen.ts"),
  ]);
  const client = await connect(flags);
  // A cluster that does not answer at all is no report.
  await asked(client, "say its version", () => client.read("/version"));
  const { include, exclude = include.length > 0 ? [] : USUALLY_EXCLUDED } = flags;
  const folder = `heddle-bug-report-${stamp(new Date())}`;
  const file = path.resolve(flags.outputDir, `${folder}.tar.gz`);
  const { files, failed, leftOut } = await writeReport({
    ...{ client, file, folder, namespace: flags.namespace, revision: flags.revision },
    access: { kubeconfig: flags.kubeconfig, context: flags.context },
    chosen: { include, exclude },
    ...{ since: flags.duration, maxProxies: flags.maxProxies, maxBytes: flags.maxSize },
    say: (line) => void process.stderr.write(`${line}\n`),
  }).catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new CliError(
      "HDL9076",
      `The archive ${file} cannot be written: ${message}.`,
      "Give a folder that is there and can be written with --output-dir.",
    );
  });
  for (const { what, why } of failed) process.stderr.write(`without ${what}: ${why}\n`);
  if (leftOut.length > 0)
    process.stderr.write(`left out for want of room: ${leftOut.join(", ")}; see --max-size\n`);
  process.stdout.write(`${green("wrote")} ${files.length} files to ${file}\n`);
}

/** `20261130T082301` */
function stamp(now: Date): string {
  return now.toISOString().replace(/[-:]/g, "").slice(0, 15);
}
