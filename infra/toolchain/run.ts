/** Runs a script of the workspace on the pinned toolchain: `./heddle --run test`, `check`, `bench`, `ci`. */
import { spawn } from "node:child_process";
import os from "node:os";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "../..");

const SCRIPTS: Record<string, readonly string[] | undefined> = {
  test: ["test/main.ts", "test"],
  "test:acceptance": ["test/main.ts", "acceptance"],
  "test:long": ["test/main.ts", "long"],
  "test:cluster": ["test/main.ts", "cluster"],
  cluster: ["test/cluster/main.ts"],
  check: ["infra/checks/check.ts"],
  bench: ["test/bench/main.ts"],
  bundle: ["infra/images/agent/bundle.ts"],
  "bundle:plane": ["infra/images/plane/bundle.ts"],
};

const [name = "", ...rest] = process.argv.slice(2);
const script = SCRIPTS[name];
if (!script) {
  console.error(
    `heddle: HDL9002 there is no script "${name}". There are: ${Object.keys(SCRIPTS).join(", ")}.`,
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
