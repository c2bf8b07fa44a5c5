#!/usr/bin/env node
/** The heddle command. Declares commands and options; what a command needs is loaded only when it runs. */
import { Command } from "commander";
import { addonsCommand } from "./commands/addons.ts";
import { agentCommand } from "./commands/agent.ts";
import { analyzeCommand } from "./commands/analyze.ts";
import { bugReportCommand } from "./commands/bug-report.ts";
import { caCommand } from "./commands/ca.ts";
import { completionCommand } from "./commands/completion.ts";
import { configurationCommands } from "./commands/configuration.ts";
import { contextCommand } from "./commands/contexts.ts";
import { explainCommand } from "./commands/explain.ts";
import { historyCommands } from "./commands/history.ts";
import { injectCommand } from "./commands/inject.ts";
import { installCommand, uninstallCommand, verifyInstallCommand } from "./commands/install.ts";
import { manifestCommand } from "./commands/manifest.ts";
import { meshCommand } from "./commands/mesh.ts";
import { mtlsCommand } from "./commands/mtls.ts";
import { profileCommand } from "./commands/profile.ts";
import { proxyConfigCommand } from "./commands/proxy-config.ts";
import { proxyStatusCommand } from "./commands/proxy-status.ts";
import { serverCommand } from "./commands/server.ts";
import { tokenCommand } from "./commands/token.ts";
import { upCommand } from "./commands/up.ts";
import { heddleVersion, versionCommand } from "./commands/version.ts";
import { vmCommand } from "./commands/vm.ts";
import { xdsCommand } from "./commands/xds.ts";
import { runProgram } from "./run-program.ts";

const program = new Command("heddle")
  .description(
    "A service mesh whose control plane is hosted: configuration, certificates, telemetry, delivery.",
  )
  .version(heddleVersion, "-V, --version", "print the version")
  .addHelpText("after", "\nStart with `heddle up --demo`, then open the address that it prints.");

const commands = [
  upCommand(),
  serverCommand(),
  agentCommand(),
  ...configurationCommands(),
  ...historyCommands(),
  meshCommand(),
  caCommand(),
  mtlsCommand(),
  contextCommand(),
  tokenCommand(),
  analyzeCommand(),
  explainCommand(),
  xdsCommand(),
  injectCommand(),
  profileCommand(),
  manifestCommand(),
  installCommand(),
  verifyInstallCommand(),
  uninstallCommand(),
  addonsCommand(),
  proxyStatusCommand(),
  proxyConfigCommand(),
  vmCommand(),
  bugReportCommand(),
  completionCommand(program),
  versionCommand(),
];

await runProgram(program, commands);
