/** `heddle version`, and `heddle --version`. */
import { Command } from "commander";
import manifest from "../../package.json" with { type: "json" };

export const heddleVersion = `heddle ${manifest.version}`;

export function versionCommand(): Command {
  return new Command("version").description("print the version").action(() => {
    process.stdout.write(`${heddleVersion}\n`);
  });
}
