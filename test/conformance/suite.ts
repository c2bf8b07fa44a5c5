/** The Gateway API's conformance suite, as a program of tests that is built once. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { cached } from "../cluster/harness/cached.ts";
import type { Say } from "../cluster/harness/components.ts";
import { go, goFlags } from "../cluster/harness/go-build.ts";

export const SUITE_VERSION = "v1.6.3";

const SOURCES = import.meta.dirname;

export interface Suite {
  /** The program of the tests. */
  readonly tests: string;
  /** Go's own, which makes events of what a program of tests says. */
  readonly test2json: string;
}

/** Paths of both. */
export async function buildSuite(say: Say): Promise<Suite> {
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum", "conformance_test.go", "suite.ts"])
    hash.update(await readFile(path.join(SOURCES, file)));
  const version = `${SUITE_VERSION}-${hash.digest("hex").slice(0, 12)}`;
  const folder = await cached("gateway-api-conformance", version, async (into) => {
    say("building the Gateway API's conformance suite");
    const [tests, test2json] = namesIn(into);
    await go(SOURCES, "build", ...goFlags(), "-o", test2json, "cmd/test2json");
    // Vetting goes through all that the suite is made of, and takes longer than to compile it.
    await go(SOURCES, "test", "-c", "-vet=off", ...goFlags(), "-o", tests, ".");
  });
  const [tests, test2json] = namesIn(folder);
  return { tests, test2json };
}

function namesIn(folder: string): [tests: string, test2json: string] {
  return [path.join(folder, "conformance"), path.join(folder, "test2json")];
}

/** The folder of the definitions that the suite's version goes with, for `kubectl apply -k`. */
export async function definitions(): Promise<string> {
  await go(SOURCES, "mod", "download", "sigs.k8s.io/gateway-api");
  const folder = await go(SOURCES, "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api");
  return path.join(folder.trim(), "config/crd/experimental");
}
