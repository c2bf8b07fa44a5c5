/** Bundles a program of ours to a few files that need nothing but Node, and packages that cannot be bundled. */
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, realpath, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { build } from "esbuild";

/** Packages of the older kind load each other by `require`, which modules have not by themselves. */
const REQUIRE =
  "import{createRequire as heddleRequire}from'node:module';const require=heddleRequire(import.meta.url);";

export interface Program {
  /** Files of ours by the names, without `.js`, under which they come to lie in the folder. */
  readonly entries: Readonly<Record<string, string>>;
  /** Packages that load files of their own, by name, each with a file of ours that imports it. */
  readonly packages?: Readonly<Record<string, string>>;
}

/** Fills a folder, made where it is missing, and resolves to the bytes of code in it. What is loaded later is in files of its own. */
export async function bundleProgram(folder: string, program: Program): Promise<number> {
  const { entries, packages = {} } = program;
  await mkdir(folder, { recursive: true });
  // Each by itself: what two have in common would be in one file with all that only one of them needs, and in the memory of both.
  const built = await Promise.all(
    Object.entries(entries).map(([name, file]) =>
      build({
        entryPoints: { [name]: file },
        ...{ outdir: folder, bundle: true, splitting: true, metafile: true },
        ...{ format: "esm", platform: "node", target: "node24" },
        // Names stay as they are, for traces of errors.
        ...{ minifyWhitespace: true, minifySyntax: true, legalComments: "linked" },
        external: Object.keys(packages),
        banner: { js: REQUIRE },
        logLevel: "warning",
      }),
    ),
  );
  // Node reads the nearest one to learn what kind of code .js files are.
  await writeFile(path.join(folder, "package.json"), `{"type":"module"}\n`);
  const copied = new Set<string>();
  for (const [name, importer] of Object.entries(packages))
    await copyPackage(name, importer, path.join(folder, "node_modules"), copied);
  return built
    .flatMap(({ metafile }) => Object.values(metafile.outputs))
    .reduce((sum, { bytes }) => sum + bytes, 0);
}

/** With all that it depends on and that is installed; one version of each is enough for ours. */
async function copyPackage(
  name: string,
  importer: string,
  into: string,
  copied: Set<string>,
): Promise<boolean> {
  const found = createRequire(importer)
    .resolve.paths(name)
    ?.map((folder) => path.join(folder, name))
    .find((folder) => existsSync(path.join(folder, "package.json")));
  if (found === undefined) return false;
  if (copied.has(name)) return true;
  copied.add(name);
  const source = await realpath(found);
  await cp(source, path.join(into, name), { recursive: true });
  const manifest = path.join(source, "package.json");
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    await readFile(manifest, "utf8"),
  ) as Record<string, Record<string, string> | undefined>;
  for (const each of Object.keys(dependencies))
    if (!(await copyPackage(each, manifest, into, copied)))
      throw new Error(`${name} needs ${each}, which is not installed`);
  // Such as those for other systems.
  for (const each of Object.keys(optionalDependencies))
    await copyPackage(each, manifest, into, copied);
  return true;
}
