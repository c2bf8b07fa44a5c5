/**
 * Runs one suite of tests on the real parts: `test` (what every change must pass), `acceptance` (longer) or `long` (minutes a
 * test). Fetches Envoy first where there is none, so that no test is left out for want of it. With HEDDLE_REPORTS set to a
 * folder, the suite leaves its report there as `<suite>.json`.
 */
import { spawn } from "node:child_process";
import path from "node:path";
import { resolveEnvoy } from "../apps/cli/src/envoy/resolve.ts";

const root = path.resolve(import.meta.dirname, "..");
const CONFIGS: Record<string, string | undefined> = {
  test: "vitest.config.ts",
  acceptance: "test/vitest.acceptance.config.ts",
  long: "test/vitest.long.config.ts",
};

const [suite = "test", ...rest] = process.argv.slice(2);
const config = CONFIGS[suite];
if (!config) {
  console.error(
    `heddle: HDL9003 there is no suite "${suite}". There are: ${Object.keys(CONFIGS).join(", ")}.`,
  );
  process.exit(2);
}
const envoy = await resolveEnvoy((line) => console.error(`heddle: ${line} …`));
console.error(`heddle: Envoy from ${envoy.from}`);

const reports = process.env["HEDDLE_REPORTS"];
const reporters = reports
  ? [
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${path.join(reports, `${suite}.json`)}`,
    ]
  : [];
const child = spawn(
  process.execPath,
  ["node_modules/vitest/vitest.mjs", "run", "--config", config, ...reporters, ...rest],
  { cwd: root, stdio: "inherit", env: { ...process.env, HEDDLE_ENVOY: envoy.path } },
);
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
