/** The images that tests run in pods: made from what is on this machine, with no registry. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { resolveEnvoy } from "../../../apps/cli/src/envoy/resolve.ts";
import type { Components } from "./components.ts";
import { importImage } from "./image.ts";
import { COREDNS_IMAGE, ENVOY_IMAGE, PAUSE_IMAGE } from "./image-names.ts";
import { addFolder, addProgram, writeBase } from "./root-folder.ts";

/** What pods cannot start without. */
export async function importPause(state: string, { pause }: Components): Promise<void> {
  await withRoots(async (root) => {
    await addProgram(root, path.join(pause, "pause"), "pause");
    // It needs no rights of root; the kubelet asks for none either.
    await importImage(state, {
      name: PAUSE_IMAGE,
      layers: [root],
      entrypoint: ["/pause"],
      user: "65534:65534",
    });
  });
}

export async function importCoreDns(state: string, { coredns }: Components): Promise<void> {
  await withRoots(async (root) => {
    await writeBase(root);
    await addProgram(root, path.join(coredns, "coredns"), "coredns");
    await importImage(state, { name: COREDNS_IMAGE, layers: [root], entrypoint: ["/coredns"] });
  });
}

/** The stock Envoy that the other suites run too, under its usual name. */
export async function importEnvoy(state: string): Promise<string> {
  const envoy = await resolveEnvoy();
  await withRoots(async (root) => {
    await writeBase(root);
    await addProgram(root, envoy.path, "usr/local/bin/envoy");
    // What the usual image has, and hooks of pods ask for.
    await addProgram(root, "/bin/bash", "bin/bash");
    await addProgram(root, "/bin/sleep", "bin/sleep");
    const entrypoint = ["/usr/local/bin/envoy"];
    await importImage(state, { name: ENVOY_IMAGE, layers: [root], entrypoint, user: "101:101" });
  });
  return ENVOY_IMAGE;
}

/** An image of one program, which runs as nobody. */
export const importProgram = (state: string, name: string, program: string): Promise<void> =>
  withRoots(async (root) => {
    const target = `bin/${path.basename(program)}`;
    await writeBase(root);
    await addProgram(root, program, target);
    await importImage(state, {
      ...{ name, layers: [root], entrypoint: [`/${target}`], user: "65534:65534" },
      // Where Prometheus looks for its data.
      workingDirectory: "/prometheus",
    });
  });

export interface NodeProgram {
  /** With registry and tag. */
  readonly name: string;
  /** Comes to lie at /app. */
  readonly folder: string;
  /** The program, below the folder. TypeScript will do, where it imports nothing that has to be resolved elsewhere. */
  readonly main: string;
  readonly user?: string;
  /** Of Node. */
  readonly flags?: readonly string[];
  /** `NAME=VALUE` each. */
  readonly env?: readonly string[];
}

/** Code of ours on the Node that this process runs on. */
export async function importNodeProgram(state: string, program: NodeProgram): Promise<string> {
  await withRoots(async (system, code) => {
    await writeBase(system);
    await addProgram(system, process.execPath, "usr/local/bin/node");
    await addFolder(code, program.folder, "app");
    await importImage(state, {
      name: program.name,
      layers: [system, code],
      entrypoint: [
        "/usr/local/bin/node",
        "--disable-warning=ExperimentalWarning",
        ...(program.flags ?? []),
        `/app/${program.main}`,
      ],
      workingDirectory: "/app",
      ...(program.user === undefined ? {} : { user: program.user }),
      ...(program.env === undefined ? {} : { env: program.env }),
    });
  });
  return program.name;
}

/** Folders to fill, removed afterwards. */
export async function withRoots(
  use: (first: string, second: string) => Promise<void>,
): Promise<void> {
  const roots = await mkdtemp(path.join(tmpdir(), "heddle-root-"));
  try {
    await use(path.join(roots, "first"), path.join(roots, "second"));
  } finally {
    await rm(roots, { recursive: true, force: true });
  }
}
