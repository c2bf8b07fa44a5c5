/**
 * `npm test`: every unit, property, golden and behaviour test, and the end-to-end tests on real Envoys. Fetches Envoy
 * first where there is none, so that no test is left out for want of it.
 */
import { spawn } from "node:child_process";
import path from "node:path";
import { resolveEnvoy } from "../apps/cli/src/envoy/resolve.ts";

const root = path.resolve(import.meta.dirname, "..");
const envoy = await resolveEnvoy((line) => console.error(`heddle: ${line} …`));
console.error(`heddle: Envoy from ${envoy.from}`);

const child = spawn(
  process.execPath,
  ["node_modules/vitest/vitest.mjs", "run", ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, HEDDLE_ENVOY: envoy.path },
  },
);
child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
