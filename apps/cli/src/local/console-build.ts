/** Builds the web console once for each state of its sources, so that a checkout serves what its code says. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const root = path.resolve(import.meta.dirname, "../../../..");
const consoleRoot = path.join(root, "apps/console");
const SOURCES = [
  consoleRoot,
  path.join(root, "packages/client/src"),
  path.join(root, "packages/model/src"),
];

/** The folder to serve, or undefined where the build failed: the plane then runs without its console, and says so. */
export async function ensureConsole(progress: (line: string) => void): Promise<string | undefined> {
  const dist = path.join(consoleRoot, "dist");
  const stampFile = path.join(dist, ".stamp");
  const stamp = await hashSources();
  if ((await readFile(stampFile, "utf8").catch(() => "")) === stamp) return dist;
  progress("building the console …");
  try {
    const vite = path.join(consoleRoot, "node_modules/vite/bin/vite.js");
    await promisify(execFile)(process.execPath, [vite, "build", "--logLevel", "error"], {
      cwd: consoleRoot,
    });
    await writeFile(stampFile, stamp);
    return dist;
  } catch (error) {
    progress(
      `HDL9042 the console could not be built and is not served: ${(error as Error).message}`,
    );
    return undefined;
  }
}

async function hashSources(): Promise<string> {
  const hash = createHash("sha256");
  for (const folder of SOURCES) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries
      .filter(
        (entry) => entry.isFile() && !/node_modules|\/dist(\/|$)/.test(`${entry.parentPath}/`),
      )
      .map((entry) => path.join(entry.parentPath, entry.name))
      .toSorted();
    for (const file of files) hash.update(file.slice(root.length)).update(await readFile(file));
  }
  return hash.digest("hex");
}
