/** `heddle analyze`: what is wrong in files, or in a mesh. */
import { Command } from "commander";
import type { ContextFlags } from "../context/context.ts";
import { type Finding, findingsJson, formatFindings } from "../output/diagnostics.ts";
import { green, printJson } from "../output/print.ts";
import { readInput } from "./input.ts";
import { collect, withOutput, withPlane } from "./options.ts";
import { openPlane } from "./plane.ts";

interface AnalyzeOptions extends ContextFlags {
  readonly filename: string[];
  readonly output: string;
  readonly strict?: boolean;
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
    .option("--strict", "references to what is not there are errors")
    .action(async (options: AnalyzeOptions) => {
      const findings =
        options.filename.length > 0 ? await analyzeFiles(options) : await analyzeMesh(options);
      if (options.output === "json") printJson(findingsJson(findings));
      else if (findings.length === 0) process.stdout.write(`${green("✔")} No problems found.\n`);
      else process.stdout.write(`${formatFindings(findings)}\n`);
      process.exitCode = findings.some((finding) => finding.level === "Error") ? 1 : 0;
    });
}

async function analyzeFiles(options: AnalyzeOptions): Promise<Finding[]> {
  const [{ analyze }, { loadFiles }, { checkPatches }, files] = await Promise.all([
    import("@heddle/analysis"),
    import("../offline/load.ts"),
    import("../offline/check-patches.ts"),
    readInput(options.filename),
  ]);
  const { objects, diagnostics } = loadFiles(files, options.namespace ?? "default");
  return [
    ...diagnostics,
    ...analyze(objects, { strict: options.strict ?? false }),
    ...checkPatches(objects),
  ];
}

async function analyzeMesh(options: AnalyzeOptions): Promise<Finding[]> {
  const { client, context } = await openPlane(options);
  return client.analyze(context.mesh, { strict: options.strict ?? false });
}
