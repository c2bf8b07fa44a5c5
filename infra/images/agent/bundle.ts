/** Bundles the agent's program to a few files that need nothing but Node: `./heddle --run bundle FOLDER`. */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = path.resolve(import.meta.dirname, "../../..");
/** Packages of the older kind load each other by `require`, which modules have not by themselves. */
const REQUIRE =
  "import{createRequire as heddleRequire}from'node:module';const require=heddleRequire(import.meta.url);";

/** The program, in a folder of `bundleAgent`. */
export const AGENT_MAIN = "heddle.js";

/** Fills a folder, made where it is missing, and resolves to the bytes in it. What is loaded later is in files of its own. */
export async function bundleAgent(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  const { metafile } = await build({
    entryPoints: {
      [path.basename(AGENT_MAIN, ".js")]: path.join(root, "apps/cli/src/in-cluster.ts"),
      // Telemetry is a process of its own, started by this name.
      "telemetry-process": path.join(root, "agent/src/telemetry/telemetry-process.ts"),
    },
    ...{ outdir: folder, bundle: true, splitting: true, metafile: true },
    ...{ format: "esm", platform: "node", target: "node24" },
    // Names stay as they are, for traces of errors.
    ...{ minifyWhitespace: true, minifySyntax: true, legalComments: "linked" },
    banner: { js: REQUIRE },
    logLevel: "warning",
  });
  // Node reads the nearest one to learn what kind of code .js files are.
  await writeFile(path.join(folder, "package.json"), `{"type":"module"}\n`);
  return Object.values(metafile.outputs).reduce((sum, { bytes }) => sum + bytes, 0);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , folder] = process.argv;
  if (folder === undefined) {
    console.error("heddle: HDL9002 name the folder: `./heddle --run bundle FOLDER`.");
    process.exit(2);
  }
  const bytes = await bundleAgent(path.resolve(folder));
  console.log(`${(bytes / 1e6).toFixed(1)} MB in ${folder}`);
}
