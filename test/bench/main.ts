/** Runs every bench with small defaults: `pnpm bench`. Each can be run by itself with its own flags. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const benches: readonly (readonly [string, readonly string[]])[] = [
  ["engine.ts", ["2000", "10"]],
  ["ads.ts", ["--clients", "50", "--services", "500"]],
  ["../../packages/envoy/scripts/speed.ts", []],
];

let failed = 0;
for (const [file, args] of benches) {
  console.log(`\n${file} ${args.join(" ")}`);
  const path = join(import.meta.dirname, file);
  const { status } = spawnSync(process.execPath, ["--expose-gc", path, ...args], {
    stdio: "inherit",
  });
  if (status !== 0) failed++;
}
process.exitCode = failed === 0 ? 0 : 1;
