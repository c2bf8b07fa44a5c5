/** `heddle version`. */
import { Command } from "commander";
import manifest from "../../package.json" with { type: "json" };

export function versionCommand(): Command {
  return new Command("version").description("print the version").action(() => {
    process.stdout.write(`heddle ${manifest.version}\n`);
  });
}
