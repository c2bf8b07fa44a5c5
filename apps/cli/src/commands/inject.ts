/** `heddle inject`: files with proxies put into their pods. */
import { Command } from "commander";
import { CliError } from "../output/cli-error.ts";
import { printJson } from "../output/print.ts";
import { readInput } from "./input.ts";
import { tellOf } from "./made.ts";
import { meshConfigIn } from "./mesh-config-file.ts";
import { collect, withOutput } from "./options.ts";
import { type InjectionFlags, withInjection } from "./injection-options.ts";

interface InjectOptions extends InjectionFlags {
  readonly filename: string[];
  readonly namespace: string;
  readonly output: string;
}

export function injectCommand(): Command {
  return withInjection(withOutput(new Command("inject"), ["yaml", "json"]))
    .description("put proxies into the pods of Kubernetes manifests; all else is left as it is")
    .requiredOption("-f, --filename <file>", "a file, a folder, or -; may be repeated", collect, [])
    .option("-n, --namespace <namespace>", "the namespace of objects that name none", "default")
    .action(async (options: InjectOptions) => {
      const [{ injectFiles }, files, meshConfig] = await Promise.all([
        import("../offline/inject.ts"),
        readInput(options.filename),
        meshConfigIn(options.meshConfig),
      ]);
      const made = injectFiles(files, options, meshConfig);
      const refused = new CliError(
        "HDL9060",
        "Nothing was printed: some of the pods cannot be injected as they ask.",
        "Mend what the findings name, and run the command again.",
      );
      tellOf(made, "has no proxy put in", refused);
      if (options.output === "json")
        printJson({ apiVersion: "v1", kind: "List", items: made.values });
      else process.stdout.write(made.text);
    });
}
