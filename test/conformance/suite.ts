/** The Gateway API's conformance suite, as a program of tests that is built once. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { cached } from "../cluster/harness/cached.ts";
import type { Say } from "../cluster/harness/components.ts";
import { go } from "../cluster/harness/go-build.ts";

export const SUITE_VERSION = "v1.6.3";

const SOURCES = import.meta.dirname;

/** The program's path. */
export async function buildSuite(say: Say): Promise<string> {
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum", "conformance_test.go"])
    hash.update(await readFile(path.join(SOURCES, file)));
  const version = `${SUITE_VERSION}-${hash.digest("hex").slice(0, 12)}`;
  const folder = await cached("gateway-api-conformance", version, async (into) => {
    say("building the Gateway API's conformance suite");
    await go(SOURCES, "test", "-c", "-trimpath", "-o", path.join(into, "conformance"), ".");
  });
  return path.join(folder, "conformance");
}

/** The folder of the definitions that the suite's version goes with, for `kubectl apply -k`. */
export async function definitions(): Promise<string> {
  await go(SOURCES, "mod", "download", "sigs.k8s.io/gateway-api");
  const folder = await go(SOURCES, "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api");
  return path.join(folder.trim(), "config/crd/experimental");
}
