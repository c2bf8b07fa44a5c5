/** Runs a script of the workspace on the pinned toolchain: `./heddle --run test`, `check`, `bench`, `ci`. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "../..");

const { scripts: commands } = JSON.parse(
  readFileSync(path.join(root, "package.json"), "utf8"),
) as Manifest;
/** By name: a file and its first arguments. `npm test` comes here for its own. */
const scripts = new Map<string, readonly string[]>([["test", ["test/main.ts", "test"]]]);
for (const [name, command] of Object.entries(commands)) {
  const [program, ...words] = command.split(" ");
  if (program === "node") scripts.set(name, words);
}

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
}

const [name = "", ...rest] = process.argv.slice(2);
const script = scripts.get(name);
if (!script) {
  console.error(
    `heddle: HDL9002 there is no script "${name}". There are: ${[...scripts.keys()].join(", ")}.`,
  );
  process.exit(2);
}
const [file = "", ...first] = script;
const child = spawn(process.execPath, [path.join(root, file), ...first, ...rest], {
  cwd: root,
  stdio: "inherit",
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) =>
  process.exit(signal ? 128 + os.constants.signals[signal] : (code ?? 1)),
);
