/**
 * Runs every bench: `./heddle --run bench`, and with `--smoke`, as CI does, with fewer clients. The engine always runs at full size,
 * since it is there that its limits count. Each can be run by itself with its own flags.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const smoke = process.argv.includes("--smoke");

const benches: readonly (readonly [string, readonly string[]])[] = [
  ["engine.ts", ["10000", "20"]],
  ["ads.ts", ["--clients", smoke ? "20" : "100", "--services", smoke ? "200" : "1000"]],
  ["redaction.ts", [smoke ? "50" : "600"]],
  ["validation.ts", [smoke ? "500" : "5000"]],
  ["issue.ts", smoke ? ["2"] : []],
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
