/** `heddle analyze`: what is wrong in files, in a mesh, or in a cluster. */
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
  /** True where it is given without a file. */
  readonly kubeconfig?: string | true;
}

export function analyzeCommand(): Command {
  return withOutput(withPlane(new Command("analyze")))
    .description(
      "find what is wrong: in files, in the mesh, or in a cluster; exits 1 where there is an error",
    )
    .option(
      "-f, --filename <file>",
      "analyse files instead of the mesh; may be repeated",
      collect,
      [],
    )
    .option(
      "-c, --kubeconfig [file]",
      "analyse a cluster: of that kubeconfig (without a file KUBECONFIG, then ~/.kube/config), and of its --context. So does a command that knows no plane",
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
      const findings = await (options.filename.length > 0
        ? analyzeFiles(options)
        : (await isAboutCluster(options))
          ? analyzeCluster(options)
          : analyzeMesh(options));
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
  const { rootNamespace, extensionProviders = [] } = meshConfig?.settings ?? {};
  return [
    ...(meshConfig?.diagnostics ?? []),
    ...diagnostics,
    ...analyze(objects, {
      strict: options.strict ?? false,
      ...(rootNamespace === undefined ? {} : { rootNamespace }),
      ...(meshConfig === undefined ? {} : { extensionProviders }),
    }),
    ...checkPatches(objects),
  ];
}

async function analyzeMesh(options: AnalyzeOptions): Promise<Finding[]> {
  const { client, context } = await openPlane(options);
  return client.analyze(context.mesh, { strict: options.strict ?? false });
}

/** What is asked for counts; else a plane that is known, else a cluster that is. */
async function isAboutCluster(options: AnalyzeOptions): Promise<boolean> {
  if (options.kubeconfig !== undefined) return true;
  const { knowsPlane } = await import("../context/context.ts");
  if (await knowsPlane(options)) return false;
  const { namesCluster } = await import("@heddle/agent/kubernetes");
  return namesCluster();
}

async function analyzeCluster({ kubeconfig, context, strict }: AnalyzeOptions): Promise<Finding[]> {
  const [{ analyze }, { readCluster }, { checkPatches }] = await Promise.all([
    import("@heddle/analysis"),
    import("../cluster/read-objects.ts"),
    import("../offline/check-patches.ts"),
  ]);
  const { objects, diagnostics } = await readCluster({
    kubeconfig: typeof kubeconfig === "string" ? kubeconfig : undefined,
    context,
  });
  return [
    ...diagnostics,
    ...analyze(objects, { strict: strict ?? false }),
    ...checkPatches(objects),
  ];
}
