/** `heddle manifest`: what Heddle would make in a cluster, as manifests. */
import { Command } from "commander";
import { CliError } from "../output/cli-error.ts";
import { printJson } from "../output/print.ts";
import type { ValueFlags } from "../cluster/values.ts";
import { withNamespace, withValues } from "./cluster-options.ts";
import { readInput } from "./input.ts";
import { type InjectionFlags, withInjection } from "./injection-options.ts";
import { tellOf } from "./made.ts";
import { meshConfigIn } from "./mesh-config-file.ts";
import { collect, withOutput } from "./options.ts";

interface GatewayOptions extends InjectionFlags {
  readonly filename: string[];
  readonly namespace: string;
  readonly output: string;
}

export function manifestCommand(): Command {
  return new Command("manifest")
    .description("print what is deployed in a cluster, ready to apply or to commit")
    .addCommand(
      withInjection(withOutput(new Command("gateway"), ["yaml", "json"]))
        .description("what serves the Gateways of the Gateway API in files: pods and Services")
        .argument("[name...]", "only these Gateways")
        .requiredOption(
          "-f, --filename <file>",
          "a file, a folder, or -; may be repeated",
          collect,
          [],
        )
        .option("-n, --namespace <namespace>", "the namespace of objects that name none", "default")
        .action(printGateways),
    )
    .addCommand(
      withValues(withNamespace(withOutput(new Command("generate"), ["yaml", "json"])))
        .description("what `heddle install` applies with these values")
        .action(printInstallation),
    );
}

async function printInstallation(
  options: ValueFlags & { readonly namespace: string; readonly output: string },
): Promise<void> {
  const [{ chosenValues }, kube, { agentRights }] = await Promise.all([
    import("../cluster/values.ts"),
    import("@heddle/kube"),
    import("@heddle/agent/rights"),
  ]);
  const installation = { values: await chosenValues(options), namespace: options.namespace };
  await printObjects(
    kube.inOrder(kube.installationObjects(installation, agentRights())),
    options.output,
  );
}

async function printGateways(names: readonly string[], options: GatewayOptions): Promise<void> {
  const [{ gatewayManifests }, files, meshConfig] = await Promise.all([
    import("../offline/gateway-manifests.ts"),
    readInput(options.filename),
    meshConfigIn(options.meshConfig),
  ]);
  const made = gatewayManifests(files, names, options, meshConfig);
  const refused = new CliError(
    "HDL9061",
    "Nothing was printed: some of the files have errors.",
    "Mend what the findings name, and run the command again.",
  );
  tellOf(made, "has nothing deployed", refused);
  await printObjects(made.objects, options.output);
}

export async function printObjects(objects: readonly object[], output: string): Promise<void> {
  if (output === "json") {
    printJson({ apiVersion: "v1", kind: "List", items: objects });
    return;
  }
  const { stringify } = await import("yaml");
  const documents = objects.map((object) =>
    stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }),
  );
  process.stdout.write(documents.join("---\n"));
}
