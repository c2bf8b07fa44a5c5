/** Runs a command line of commands that are declared: wrong usage exits with 2, what fails says why. */
import { type Command, CommanderError } from "commander";
import { fail } from "./output/fail.ts";

export async function runProgram(program: Command, commands: readonly Command[]): Promise<void> {
  for (const command of commands) program.addCommand(command);
  throwing(program);
  // Whoever reads may have seen enough, as `head` has.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    throw error;
  });
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
    fail(error);
  }
}

/** Wrong usage is thrown, by a command's own commands too, so that it exits with 2. */
function throwing(command: Command): Command {
  for (const each of command.commands) throwing(each);
  return command
    .showHelpAfterError("Run the command with --help to see how it is used.")
    .exitOverride();
}
