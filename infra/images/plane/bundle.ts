/** Bundles the plane's program, with its console and migrations beside it: `./heddle --run bundle:plane FOLDER`. */
import { cp } from "node:fs/promises";
import path from "node:path";
import { ensureConsole } from "../../../apps/cli/src/local/console-build.ts";
import { bundleFromCommandLine } from "../bundle-command.ts";
import { bundleProgram } from "../bundle-program.ts";

const root = path.resolve(import.meta.dirname, "../../..");

/** The program, in a folder of `bundlePlane`. */
export const PLANE_MAIN = "heddle.js";

/** Fills a folder, made where it is missing, and resolves to the bytes of code in it. */
export async function bundlePlane(folder: string): Promise<number> {
  const console = await ensureConsole((line) => process.stderr.write(`heddle: ${line}\n`));
  if (console === undefined) throw new Error("an image of the plane has its console in it");
  const database = path.join(root, "packages/db/src/pglite/thread.ts");
  const bytes = await bundleProgram(folder, {
    entries: {
      [path.basename(PLANE_MAIN, ".js")]: path.join(root, "apps/cli/src/plane-in-cluster.ts"),
      // The embedded database is a thread of its own, started by this name.
      thread: database,
    },
    // They bring WebAssembly and libraries of their own.
    packages: {
      "@duckdb/node-api": path.join(root, "apps/api/src/telemetry/duckdb/open.ts"),
      "@electric-sql/pglite": database,
    },
  });
  await cp(console, path.join(folder, "console"), { recursive: true });
  await cp(path.join(root, "migrations"), path.join(folder, "migrations"), { recursive: true });
  return bytes;
}

await bundleFromCommandLine(import.meta.url, "bundle:plane", bundlePlane);
