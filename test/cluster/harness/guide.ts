/** The commands of a guide's page, run as a reader would who pastes them one after the other into one shell. */
import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
/** Variables that one step leaves to the next: those that the page itself sets, in capitals. */
const KEEP =
  "declare -p | grep -E '^declare -- [A-Z_]+=' | grep -vE ' (BASH|PPID|IFS|OPT|PS4|PIPE)'";

export interface Guide {
  /** Runs the commands of a step, stops at the first that fails, and resolves to what they print. */
  step(name: string): Promise<string>;
  /** Steps that were not run yet. */
  left(): string[];
}

/** `programs`: what the reader has in his PATH, as lines of a shell. `folder` is for those and for what one step leaves to the next. */
export async function openGuide(
  page: string,
  folder: string,
  programs: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
  cwd: string,
): Promise<Guide> {
  const steps = stepsOf(await readFile(page, "utf8"));
  const bin = path.join(folder, "bin");
  const variables = path.join(folder, "variables");
  await mkdir(bin, { recursive: true });
  await writeFile(variables, "");
  for (const [name, line] of Object.entries(programs)) {
    const file = path.join(bin, name);
    await writeFile(file, `#!/bin/sh\n${line}\n`);
    await chmod(file, 0o755);
  }
  const left = new Set(steps.keys());
  return {
    left: () => [...left],
    async step(name) {
      const commands = steps.get(name);
      if (commands === undefined) throw new Error(`${page} has no step ${name}`);
      left.delete(name);
      const script = `set -euo pipefail\n. ${variables}\n${commands}\n{ ${KEEP} || true; } > ${variables}\n`;
      const { stdout } = await run("bash", ["-c", script], {
        cwd,
        env: { ...process.env, ...env, PATH: `${bin}:${process.env["PATH"]}` },
        maxBuffer: 64 * 1024 * 1024,
      }).catch((error: unknown) => {
        const { stdout: said, stderr } = error as { stdout?: string; stderr?: string };
        throw new Error(
          `step ${name} fails:\n${commands}\n${said ?? ""}${stderr ?? String(error)}`,
        );
      });
      return stdout;
    },
  };
}

/** Blocks of shell commands by the name in the comment before each. */
function stepsOf(text: string): Map<string, string> {
  const blocks = text.matchAll(/^<!-- walk: ([\w-]+) -->\n```sh\n(.*?)^```$/gms);
  return new Map([...blocks].map(([, name = "", commands = ""]) => [name, commands]));
}
