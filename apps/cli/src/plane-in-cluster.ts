/** The heddle command of the plane's image: the plane alone. */
import { Command } from "commander";
import { serverCommand } from "./commands/server.ts";
import { heddleVersion, versionCommand } from "./commands/version.ts";
import { runProgram } from "./run-program.ts";

const program = new Command("heddle")
  .description("The plane of a service mesh; the whole command is for people's own machines.")
  .version(heddleVersion, "-V, --version", "print the version");

await runProgram(program, [serverCommand(), versionCommand()]);
