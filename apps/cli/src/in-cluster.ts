/** The heddle command of the agent's image: what runs in a cluster, and nothing of the plane or of a person's machine. */
import { Command } from "commander";
import { agentCommand } from "./commands/agent.ts";
import { heddleVersion, versionCommand } from "./commands/version.ts";
import { runProgram } from "./run-program.ts";

const program = new Command("heddle")
  .description("The agent of a service mesh; the whole command is for people's own machines.")
  .version(heddleVersion, "-V, --version", "print the version");

await runProgram(program, [agentCommand(), versionCommand()]);
