/** A command in a terminal of its own: a real pseudo-terminal, so that Ctrl-C is what the kernel makes of it, for the whole group. */
import { type ChildProcess, spawn } from "node:child_process";
import { until } from "./plane-process.ts";

/** Node cannot make a pseudo-terminal. What comes in goes to the terminal as typed; a signal's exit code is 128 and its number. */
const PTY = `
import os, pty, select, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
watched = [terminal, 0]
while True:
    ready, _, _ = select.select(watched, [], [])
    if 0 in ready:
        typed = os.read(0, 1024)
        os.write(terminal, typed) if typed else watched.remove(0)
    if terminal in ready:
        try:
            output = os.read(terminal, 65536)
        except OSError:
            break
        if not output:
            break
        os.write(1, output)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(code if code >= 0 else 128 - code)
`;
const CTRL_C = "\u0003";

export interface Terminal {
  /** All that it shows, with plain line ends. */
  output(): string;
  /** Resolves when a line is this one; fails with the output if the command ends before, or not within the time. */
  shows(line: string, withinMs: number): Promise<void>;
  ctrlC(): void;
  /** Resolves with the exit code. */
  ended(withinMs: number): Promise<number>;
  /** Closes the terminal, as closing its window does. */
  close(): void;
}

export function openTerminal(
  command: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Terminal {
  const child: ChildProcess = spawn("python3", ["-c", PTY, ...command], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString().replaceAll("\r", "")));
  const over = () => child.exitCode !== null || child.signalCode !== null;
  return {
    output: () => output,
    async shows(line, withinMs) {
      const seen = () => output.split("\n").includes(line);
      await until(
        () => seen() || over(),
        withinMs,
        () => `"${line}" is not shown:\n${output}`,
      );
      if (!seen()) throw new Error(`ended with ${child.exitCode} before "${line}":\n${output}`);
    },
    ctrlC: () => void child.stdin?.write(CTRL_C),
    async ended(withinMs) {
      await until(over, withinMs, () => `it goes on:\n${output}`);
      return child.exitCode ?? 1;
    },
    close: () => void child.kill("SIGKILL"),
  };
}
