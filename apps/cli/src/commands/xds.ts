/** `heddle xds`: offline, what a proxy would get. */
import { Command } from "commander";
import { CliError } from "../output/cli-error.ts";
import { formatFindings } from "../output/diagnostics.ts";
import { printJson, table } from "../output/print.ts";
import { readInput } from "./input.ts";
import { meshConfigIn } from "./mesh-config-file.ts";
import { collect, withOutput } from "./options.ts";

interface XdsOptions {
  readonly filename: string[];
  readonly proxy: string;
  readonly output: string;
  readonly bootstrap?: boolean;
  readonly trustDomain?: string;
  readonly trustDomainAlias: string[];
  readonly meshConfig?: string;
}

export function xdsCommand(): Command {
  return withOutput(new Command("xds"), ["table", "json", "yaml"])
    .description("what a proxy would get, from files of Kubernetes and mesh resources")
    .requiredOption("-f, --filename <file>", "a file, a folder, or -; may be repeated", collect, [])
    .requiredOption("--proxy <pod.namespace>", "the proxy's pod, or WorkloadEntry")
    .option("--bootstrap", "print one static bootstrap that Envoy validates")
    .option("--trust-domain <domain>", "the mesh's trust domain; cluster.local without it")
    .option(
      "--trust-domain-alias <domain>",
      "another whose identities count as the mesh's own; may be repeated",
      collect,
      [],
    )
    .option("--mesh-config <file>", "Istio's MeshConfig, or the ConfigMap that holds it")
    .action(async (options: XdsOptions) => {
      const { offlineXds } = await import("../offline/xds.ts");
      const files = await readInput(options.filename);
      const result = offlineXds(files, {
        proxy: options.proxy,
        trustDomain: options.trustDomain,
        trustDomainAliases: options.trustDomainAlias,
        meshConfig: await meshConfigIn(options.meshConfig),
      });
      if (result.diagnostics.length > 0)
        process.stderr.write(`${formatFindings(result.diagnostics)}\n`);
      if (result.diagnostics.some((d) => d.level === "Error")) process.exitCode = 1;
      if (options.bootstrap) {
        if (result.concurrency !== undefined)
          process.stderr.write(`Start Envoy with ${concurrencyFlag(result.concurrency)}.\n`);
        return printJson(result.bootstrap());
      }
      await show(result.resources, options.output);
    });
}

/** Envoy itself takes a thread for each core where it is told nothing. */
function concurrencyFlag(threads: number): string {
  return threads === 0 ? "no --concurrency: a thread for each core" : `--concurrency ${threads}`;
}

type Resources = Record<
  "listeners" | "routes" | "clusters" | "endpoints" | "secrets",
  readonly object[]
>;

async function show(resources: Resources, output: string): Promise<void> {
  if (output === "json") return printJson(resources);
  if (output === "yaml") {
    const { stringify } = await import("yaml");
    process.stdout.write(stringify(resources, { aliasDuplicateObjects: false }));
    return;
  }
  const rows = Object.entries(resources).flatMap(([type, values]) =>
    values.map((value) => [type, nameOf(value)]),
  );
  if (rows.length === 0)
    throw new CliError("HDL9041", "The proxy would get nothing.", "Check --proxy and the files.");
  process.stdout.write(`${table(["TYPE", "NAME"], rows)}\n`);
}

function nameOf(value: object): string {
  const named = value as { name?: string; clusterName?: string };
  return named.name ?? named.clusterName ?? "";
}
