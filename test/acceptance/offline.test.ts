/** Files in, Envoy configuration out: what users bring applies, and what we make of it Envoy accepts. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeDemoCluster } from "../../apps/cli/src/local/demo-cluster.ts";
import { heddle, ROOT } from "../harness/demo-process.ts";

const run = promisify(execFile);
const conformance = process.env["HEDDLE_CONFORMANCE"] ?? path.join(ROOT, "../shared/conformance");
const mustAccept = path.join(conformance, "must-accept");
const examples = path.join(ROOT, "examples/bookinfo/rules");
let work: string;

beforeAll(async () => {
  work = await mkdtemp(path.join(tmpdir(), "heddle-offline-"));
  await makeDemoCluster(path.join(work, "cluster"), { gatewayPort: 8780, block: 40 });
});
afterAll(() => rm(work, { recursive: true, force: true }));

async function validates(files: readonly string[], proxy: string): Promise<void> {
  const result = await heddle([
    "xds",
    ...["-f", path.join(work, "cluster"), ...files.flatMap((f) => ["-f", f])],
    "--proxy",
    proxy,
    "--bootstrap",
  ]);
  expect(result.stdout.length, result.stderr).toBeGreaterThan(0);
  const file = path.join(work, `bootstrap-${proxy}.json`);
  await writeFile(file, result.stdout);
  await run(process.env["HEDDLE_ENVOY"] ?? "envoy", [
    "--mode",
    "validate",
    "-c",
    file,
    "--log-level",
    "error",
  ]);
}

const PROXIES = [
  "productpage-v1-0.default",
  "reviews-v2-0.default",
  "istio-ingressgateway-0.istio-system",
];

describe("examples", async () => {
  const rules = (await readdir(examples)).filter((file) => file.endsWith(".yaml"));
  test.each(rules.flatMap((rule) => PROXIES.map((proxy) => [rule, proxy] as const)))(
    "%s for %s passes envoy --mode validate",
    async (rule, proxy) => {
      const versions = rule === "versions.yaml" ? [] : [path.join(examples, "versions.yaml")];
      await validates([...versions, path.join(examples, rule)], proxy);
    },
  );
});

describe.skipIf(!existsSync(mustAccept))("must-accept", async () => {
  const files = existsSync(mustAccept) ? await readdir(mustAccept) : [];
  test.each(files)("%s translates, and Envoy accepts it", async (file) => {
    for (const proxy of PROXIES) await validates([path.join(mustAccept, file)], proxy);
  });
});
