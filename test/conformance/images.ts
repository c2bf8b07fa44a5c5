/** The images that the suite's manifests name, made from its own sources: no registry is asked. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { cached } from "../cluster/harness/cached.ts";
import type { Say } from "../cluster/harness/components.ts";
import { buildGo, type GoProgram } from "../cluster/harness/go-build.ts";
import { importImage } from "../cluster/harness/image.ts";
import { addProgram, writeBase } from "../cluster/harness/root-folder.ts";
import { COREDNS_BUILD } from "../cluster/harness/versions.ts";
import { SUITE_VERSION } from "./suite.ts";

/** Manifests of one version name several. */
const ECHO_BASIC = ["v1.5.1", "v1.6.0-dev.2", "v1.6.0-dev.3"].map(
  (tag) => `registry.k8s.io/gateway-api/echo-basic:${tag}`,
);

const COREDNS = "registry.k8s.io/coredns/coredns:v1.12.2";

/** Backends that say what they were asked. */
export async function importEchoBasic(state: string, say: Say): Promise<void> {
  const module = "sigs.k8s.io/gateway-api/conformance";
  const folder = await built("gateway-api-echo", SUITE_VERSION, say, {
    ...{ module, version: SUITE_VERSION, replacement: SUITE_VERSION },
    programs: [`${module}/echo-basic`],
  });
  await importProgram(state, path.join(folder, "echo-basic"), ECHO_BASIC, "65532:65532");
}

/** The suite's backend of UDP; the cluster's own DNS has no need of the plugin that answers there. */
export async function importWhoami(state: string, say: Say): Promise<void> {
  const folder = await built("coredns-whoami", COREDNS_BUILD, say, {
    module: "github.com/coredns/coredns",
    version: `v${COREDNS_BUILD.replace(/-.*/, "")}`,
    programs: { name: "coredns", main: path.join(import.meta.dirname, "coredns/main.go") },
  });
  await importProgram(state, path.join(folder, "coredns"), [COREDNS]);
}

function built(name: string, version: string, say: Say, program: GoProgram): Promise<string> {
  return cached(name, version, async (into) => {
    say(`building ${name} ${version}`);
    await buildGo(program, into);
  });
}

async function importProgram(
  state: string,
  program: string,
  names: readonly string[],
  user?: string,
): Promise<void> {
  const root = await mkdtemp(path.join(tmpdir(), "heddle-root-"));
  const file = path.basename(program);
  try {
    await writeBase(root);
    await addProgram(root, program, file);
    for (const name of names)
      await importImage(state, {
        ...{ name, layers: [root], entrypoint: [`/${file}`] },
        ...(user === undefined ? {} : { user }),
      });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
