/**
 * Runs one suite of tests on the real parts: `test` (what every change must pass), `acceptance` (longer), `long` (minutes a
 * test) or `cluster` (in a real Kubernetes, which is built first where the cache has none). Fetches Envoy first where there is none. Where none can be had CI fails; elsewhere the tests that need it are skipped by
 * name, with the reason. With HEDDLE_REPORTS set to a folder, the suite leaves its report there as `<suite>.json`,
 * or by the name that HEDDLE_REPORT gives it.
 */
import { spawn } from "node:child_process";
import path from "node:path";
import { resolveEnvoy } from "../apps/cli/src/envoy/resolve.ts";
import { CliError } from "../apps/cli/src/output/cli-error.ts";
import { fail } from "../apps/cli/src/output/fail.ts";
import { buildComponents } from "./cluster/harness/components.ts";
import { ensurePackages } from "./cluster/harness/packages.ts";

const root = path.resolve(import.meta.dirname, "..");
const CONFIGS: Record<string, string | undefined> = {
  test: "vitest.config.ts",
  acceptance: "test/vitest.acceptance.config.ts",
  long: "test/vitest.long.config.ts",
  cluster: "test/vitest.cluster.config.ts",
};

const [suite = "test", ...rest] = process.argv.slice(2);
const config = CONFIGS[suite];
if (!config) {
  console.error(
    `heddle: HDL9003 there is no suite "${suite}". There are: ${Object.keys(CONFIGS).join(", ")}.`,
  );
  process.exit(2);
}
const environment = { ...process.env };
try {
  const envoy = await resolveEnvoy((line) => console.error(`heddle: ${line} …`));
  console.error(`heddle: Envoy from ${envoy.from}`);
  environment["HEDDLE_ENVOY"] = envoy.path;
} catch (error) {
  if (!(error instanceof CliError)) throw error;
  // The longer suites are all about Envoys.
  if (process.env["CI"] || suite !== "test") fail(error);
  delete environment["HEDDLE_ENVOY"];
  environment["HEDDLE_NO_ENVOY"] = `${error.code} ${error.message} ${error.remedy}`;
  console.error(`heddle: tests that need Envoy are skipped: ${environment["HEDDLE_NO_ENVOY"]}`);
}

if (suite === "cluster") {
  const say = (line: string) => console.error(`heddle: ${line} …`);
  try {
    await ensurePackages("cluster", say);
    environment["HEDDLE_KUBERNETES"] = (await buildComponents(say)).kubernetes;
  } catch (error) {
    fail(error);
  }
}

const { HEDDLE_REPORTS: reports, HEDDLE_REPORT: report = suite } = process.env;
const reporters = ["--reporter=default", "--reporter=test/setup/skipped.ts"];
if (reports)
  reporters.push("--reporter=json", `--outputFile.json=${path.join(reports, `${report}.json`)}`);
const child = spawn(
  process.execPath,
  ["node_modules/vitest/vitest.mjs", "run", "--config", config, ...reporters, ...rest],
  { cwd: root, stdio: "inherit", env: environment },
);
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
