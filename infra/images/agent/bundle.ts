/** Bundles the agent's program: `./heddle --run bundle FOLDER`. */
import path from "node:path";
import { bundleFromCommandLine } from "../bundle-command.ts";
import { bundleProgram } from "../bundle-program.ts";

const root = path.resolve(import.meta.dirname, "../../..");

/** The program, in a folder of `bundleAgent`. */
export const AGENT_MAIN = "heddle.js";

/** Fills a folder, made where it is missing, and resolves to the bytes in it. */
export function bundleAgent(folder: string): Promise<number> {
  return bundleProgram(folder, {
    entries: {
      [path.basename(AGENT_MAIN, ".js")]: path.join(root, "apps/cli/src/in-cluster.ts"),
      // Telemetry is a process of its own, started by this name.
      // Requests are checked in a thread, started by this name.
      "checker-thread": path.join(root, "agent/src/openapi/checker-thread.ts"),
      "telemetry-process": path.join(root, "agent/src/telemetry/telemetry-process.ts"),
    },
  });
}

await bundleFromCommandLine(import.meta.url, "bundle", bundleAgent);
