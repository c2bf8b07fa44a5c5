/** Builds programs of Go modules that `go install` refuses, since they replace modules with folders of their own repository. */
import { execFile } from "node:child_process";
import { copyFile, cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { CliError } from "../../../apps/cli/src/output/cli-error.ts";

const run = promisify(execFile);
/** Kubernetes takes minutes of two free cores; in CI it has what other suites leave over. */
const BUILD_WITHIN_MS = 7_200_000;
const LAST_LINES = 15;
/** A compiler lives for seconds: a third of its time would go into collecting what the end of its process frees anyway. */
const COLLECT_AFTER_PERCENT = "400";

export interface GoProgram {
  readonly module: string;
  /** With the `v`. */
  readonly version: string;
  /** Import paths of the programs; or a file of ours that is a program made from the module. */
  readonly programs: readonly string[] | { readonly name: string; readonly main: string };
  /** The published version of a module that lies in a folder of the same repository. */
  readonly replacement?: string;
  /** Values for string variables, by their full name. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Of files that are built only with them, or only without. */
  readonly tags?: readonly string[];
  /** Folders of the module that come to lie beside the programs, as deep as they are: what its programs are installed with. */
  readonly folders?: readonly string[];
}

/** What `go mod edit -json` answers, as far as it is used here. */
interface GoMod {
  readonly Go: string;
  readonly Replace?: readonly {
    readonly Old: { readonly Path: string };
    readonly New: { readonly Path: string; readonly Version?: string };
  }[];
}

/** Writes static binaries to `into`, named as they are told or as their packages' last parts. Throws HDL9071 with what Go said last. */
export async function buildGo(program: GoProgram, into: string): Promise<void> {
  const work = await mkdtemp(path.join(tmpdir(), "heddle-go-"));
  try {
    const mod = path.join(work, "go.mod");
    await writeFile(mod, "module build\n");
    const found = await go(
      work,
      "mod",
      "download",
      "-json",
      `${program.module}@${program.version}`,
    );
    const { GoMod: theirs, Dir: source } = JSON.parse(found) as { GoMod: string; Dir: string };
    await writeFile(
      mod,
      goMod(program, JSON.parse(await go(work, "mod", "edit", "-json", theirs)) as GoMod),
    );
    const variables = Object.entries(program.variables ?? {}).map(
      ([key, value]) => ` -X ${key}=${value}`,
    );
    const { programs } = program;
    if ("main" in programs) await copyFile(programs.main, path.join(work, "main.go"));
    const output = path.join(into, "main" in programs ? programs.name : "/");
    await go(
      work,
      ...["build", "-mod=mod", ...goFlags(variables.join(""))],
      ...(program.tags === undefined ? [] : [`-tags=${program.tags.join(",")}`]),
      ...["-o", output, ...("main" in programs ? ["."] : programs)],
    );
    for (const folder of program.folders ?? [])
      await cp(path.join(source, folder), path.join(into, folder), { recursive: true });
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() || (error as Error).message;
    throw new CliError(
      "HDL9071",
      `${program.module} ${program.version} could not be built:\n${said.split("\n").slice(-LAST_LINES).join("\n")}`,
      "Check that Go reaches its module proxy and that the disk has room, then run the same command again.",
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Only the main module's replacements count: theirs are taken over, folders by the modules that are published of them. */
function goMod({ module, version, replacement }: GoProgram, theirs: GoMod): string {
  const replaced = (theirs.Replace ?? []).map(({ Old, New }) => {
    const local = New.Version === undefined;
    return `replace ${Old.Path} => ${local ? Old.Path : New.Path} ${local ? replacement : New.Version}`;
  });
  return [`module build`, `go ${theirs.Go}`, `require ${module} ${version}`, ...replaced, ""].join(
    "\n",
  );
}

/**
 * What programs are built with that nobody debugs: a quarter of a compiler's time goes into what only debuggers read.
 * `linking` is told the linker besides.
 */
export function goFlags(linking = ""): readonly string[] {
  return ["-trimpath", "-gcflags=all=-dwarf=false", `-ldflags=-s -w${linking}`];
}

/** Static, so that the programs run in an image that holds nothing else. */
export async function go(cwd: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run("go", [...args], {
    cwd,
    env: { ...process.env, CGO_ENABLED: "0", GOWORK: "off", GOGC: COLLECT_AFTER_PERCENT },
    timeout: BUILD_WITHIN_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout;
}
