#!/usr/bin/env node
/** The heddle command. Declares commands and options; what a command needs is loaded only when it runs. */
import { Command, CommanderError } from "commander";
import { agentCommand } from "./commands/agent.ts";
import { analyzeCommand } from "./commands/analyze.ts";
import { completionCommand } from "./commands/completion.ts";
import { configurationCommands } from "./commands/configuration.ts";
import { historyCommands } from "./commands/history.ts";
import { meshCommand } from "./commands/mesh.ts";
import { proxyCommands } from "./commands/proxy.ts";
import { serverCommand } from "./commands/server.ts";
import { upCommand } from "./commands/up.ts";
import { versionCommand } from "./commands/version.ts";
import { xdsCommand } from "./commands/xds.ts";
import { fail } from "./output/fail.ts";

const program = new Command("heddle")
  .description(
    "A service mesh whose control plane is hosted: configuration, certificates, telemetry, delivery.",
  )
  .showHelpAfterError("Run the command with --help to see how it is used.")
  .exitOverride()
  .addHelpText("after", "\nStart with `heddle up --demo`, then open the address that it prints.");

const commands = [
  upCommand(),
  serverCommand(),
  agentCommand(),
  ...configurationCommands(),
  ...historyCommands(),
  meshCommand(),
  analyzeCommand(),
  xdsCommand(),
  ...proxyCommands(),
  completionCommand(program),
  versionCommand(),
];
for (const command of commands) program.addCommand(command.exitOverride());

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
  fail(error);
}
