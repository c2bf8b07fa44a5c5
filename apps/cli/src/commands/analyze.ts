/** `heddle analyze`: what is wrong in files, or in a mesh. */
import { Command } from "commander";
import type { ContextFlags } from "../context/context.ts";
import { CliError } from "../output/cli-error.ts";
import { type Finding, findingsJson, formatFindings } from "../output/diagnostics.ts";
import { green, printJson } from "../output/print.ts";
import { readInput } from "./input.ts";
import { meshConfigIn } from "./mesh-config-file.ts";
import { collect, withOutput, withPlane } from "./options.ts";
import { openPlane } from "./plane.ts";

interface AnalyzeOptions extends ContextFlags {
  readonly filename: string[];
  readonly output: string;
  readonly strict?: boolean;
  readonly meshConfig?: string;
}

export function analyzeCommand(): Command {
  return withOutput(withPlane(new Command("analyze")))
    .description("find what is wrong: in files, or in the mesh; exits 1 where there is an error")
    .option(
      "-f, --filename <file>",
      "analyse files instead of the mesh; may be repeated",
      collect,
      [],
    )
    .option("-A, --all-namespaces", "every namespace of the mesh (the default)")
    .option("--mesh-config <file>", "with -f: Istio's MeshConfig, or the ConfigMap that holds it")
    .option("--strict", "references to what is not there are errors")
    .action(async (options: AnalyzeOptions) => {
      if (options.meshConfig && options.filename.length === 0) {
        throw new CliError(
          "HDL9039",
          "--mesh-config says nothing about a mesh of the plane, which has settings of its own.",
          "Give files with -f, or see `heddle mesh get`.",
          2,
        );
      }
      const findings =
        options.filename.length > 0 ? await analyzeFiles(options) : await analyzeMesh(options);
      if (options.output === "json") printJson(findingsJson(findings));
      else if (findings.length === 0) process.stdout.write(`${green("✔")} No problems found.\n`);
      else process.stdout.write(`${formatFindings(findings)}\n`);
      process.exitCode = findings.some((finding) => finding.level === "Error") ? 1 : 0;
    });
}

async function analyzeFiles(options: AnalyzeOptions): Promise<Finding[]> {
  const [{ analyze }, { loadFiles }, { checkPatches }, files, meshConfig] = await Promise.all([
    import("@heddle/analysis"),
    import("../offline/load.ts"),
    import("../offline/check-patches.ts"),
    readInput(options.filename),
    meshConfigIn(options.meshConfig),
  ]);
  const { objects, diagnostics } = loadFiles(files, options.namespace ?? "default");
  const { rootNamespace } = meshConfig?.settings ?? {};
  return [
    ...(meshConfig?.diagnostics ?? []),
    ...diagnostics,
    ...analyze(objects, {
      strict: options.strict ?? false,
      ...(rootNamespace === undefined ? {} : { rootNamespace }),
    }),
    ...checkPatches(objects),
  ];
}

async function analyzeMesh(options: AnalyzeOptions): Promise<Finding[]> {
  const { client, context } = await openPlane(options);
  return client.analyze(context.mesh, { strict: options.strict ?? false });
}
