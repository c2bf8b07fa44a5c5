/** The images that the suite's manifests name, made from its own sources: no registry is asked. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { createServerAuthority, issueServerCertificate, type KeptKeyPair } from "@heddle/pki";
import { cached } from "../cluster/harness/cached.ts";
import type { Say } from "../cluster/harness/components.ts";
import { buildGo, type GoProgram } from "../cluster/harness/go-build.ts";
import { importImage } from "../cluster/harness/image.ts";
import { withRoots } from "../cluster/harness/images.ts";
import { addProgram, writeBase } from "../cluster/harness/root-folder.ts";
import { COREDNS_BUILD, ISTIO_VERSION } from "../cluster/harness/versions.ts";
import { SUITE_VERSION } from "./suite.ts";

/** Manifests of one version name several. */
const ECHO_BASIC = ["v1.5.1", "v1.6.0-dev.2", "v1.6.0-dev.3"].map(
  (tag) => `registry.k8s.io/gateway-api/echo-basic:${tag}`,
);

/** What the suite's clients and servers of a mesh are: Istio's application for tests. */
const ECHO_ADVANCED = "registry.k8s.io/gateway-api/echo-advanced:v1.5.1";
const ISTIOS = ["server", "client"];

const COREDNS = "registry.k8s.io/coredns/coredns:v1.12.2";

/** One after the other: each keeps all cores busy. */
export async function buildPrograms(say: Say): Promise<void> {
  for (const build of [echoBasic, echoAdvanced, whoami]) await build(say);
}

/** Backends that say what they were asked. */
export async function importEchoBasic(state: string, say: Say): Promise<void> {
  const program = path.join(await echoBasic(say), "echo-basic");
  await importProgram(state, program, ECHO_BASIC, "65532:65532");
}

/** Backends of a mesh, which are its clients too: the suite has them ask by `client` in the container. */
export async function importEchoAdvanced(state: string, say: Say): Promise<void> {
  const folder = await echoAdvanced(say);
  await withRoots(async (root) => {
    await writeBase(root);
    for (const name of ISTIOS) await addProgram(root, path.join(folder, name), `usr/bin/${name}`);
    const { certificate, key } = await certificateOf("echo");
    await writeFile(path.join(root, "cert.crt"), certificate);
    await writeFile(path.join(root, "cert.key"), key);
    const entrypoint = ["/usr/bin/server"];
    await importImage(state, { name: ECHO_ADVANCED, layers: [root], entrypoint });
  });
}

/** The one that its arguments name; no client of the suite looks at whose it is. */
async function certificateOf(name: string): Promise<KeptKeyPair> {
  const times = { now: Date.now(), lifetime: 24 * 60 * 60_000 };
  const authority = await createServerAuthority(name, times);
  return issueServerCertificate(authority, { ...times, names: [name] });
}

/** The suite's backend of UDP; the cluster's own DNS has no need of the plugin that answers there. */
export async function importWhoami(state: string, say: Say): Promise<void> {
  await importProgram(state, path.join(await whoami(say), "coredns"), [COREDNS]);
}

function echoBasic(say: Say): Promise<string> {
  const module = "sigs.k8s.io/gateway-api/conformance";
  return built("gateway-api-echo", SUITE_VERSION, say, {
    ...{ module, version: SUITE_VERSION, replacement: SUITE_VERSION },
    programs: [`${module}/echo-basic`],
  });
}

function echoAdvanced(say: Say): Promise<string> {
  const module = "istio.io/istio";
  return built("istio-echo", ISTIO_VERSION, say, {
    ...{ module, version: ISTIO_VERSION },
    programs: ISTIOS.map((name) => `${module}/pkg/test/echo/cmd/${name}`),
  });
}

function whoami(say: Say): Promise<string> {
  return built("coredns-whoami", COREDNS_BUILD, say, {
    module: "github.com/coredns/coredns",
    version: `v${COREDNS_BUILD.replace(/-.*/, "")}`,
    programs: { name: "coredns", main: path.join(import.meta.dirname, "coredns/main.go") },
  });
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
  const file = path.basename(program);
  await withRoots(async (root) => {
    await writeBase(root);
    await addProgram(root, program, file);
    for (const name of names)
      await importImage(state, {
        ...{ name, layers: [root], entrypoint: [`/${file}`] },
        ...(user === undefined ? {} : { user }),
      });
  });
}
