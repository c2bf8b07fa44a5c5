/** The command line of a bundle: `./heddle --run bundle FOLDER`. */
import path from "node:path";
import { pathToFileURL } from "node:url";

/** Where `module` is what Node was started with, and nothing otherwise: fills the folder that is named, and says how much is in it. */
export async function bundleFromCommandLine(
  module: string,
  script: string,
  bundle: (folder: string) => Promise<number>,
): Promise<void> {
  const [, main, folder] = process.argv;
  if (main === undefined || module !== pathToFileURL(main).href) return;
  if (folder === undefined) {
    console.error(`heddle: HDL9002 name the folder: \`./heddle --run ${script} FOLDER\`.`);
    process.exit(2);
  }
  const bytes = await bundle(path.resolve(folder));
  console.log(`${(bytes / 1e6).toFixed(1)} MB of code in ${folder}`);
}
