/** Files in, Envoy configuration out: what users bring applies, and what we make of it Envoy accepts. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeDemoCluster } from "../../apps/cli/src/local/demo-cluster.ts";
import { heddle, ROOT } from "../harness/demo-process.ts";

const EXAMPLES = path.join(ROOT, "examples");
const conformance = process.env["HEDDLE_CONFORMANCE"] ?? path.join(ROOT, "../shared/conformance");
const mustAccept = path.join(conformance, "must-accept");
/** What the demo's cluster is made of; no rules. */
const CLUSTER = "bookinfo/bookinfo.yaml";
/** What the demo's mesh begins with: without it the gateway has nothing to do, and other rules name subsets that are not there. */
const FIRST_RULES = ["bookinfo/rules/gateway.yaml", "bookinfo/rules/versions.yaml"];
/** A client, a server and a gateway: enough for the many files of others. */
const ONE_OF_EACH = [
  "productpage-v1-0.default",
  "reviews-v2-0.default",
  "istio-ingressgateway-0.istio-system",
];
/** Proxies that are made at one time. */
const AT_ONCE = 2;

let work: string;
/** Every proxy of the demo: `pod.namespace`. */
let proxies: string[];

beforeAll(async () => {
  work = await mkdtemp(path.join(tmpdir(), "heddle-offline-"));
  const cluster = await makeDemoCluster(path.join(work, "cluster"), {
    gatewayPort: 8780,
    block: 40,
  });
  proxies = [...cluster.pods, cluster.gateway].map((pod) => `${pod.name}.${pod.namespace}`);
});
afterAll(() => rm(work, { recursive: true, force: true }));

/** How Envoy itself judges a bootstrap: its exit code and what it says. */
function envoyJudges(file: string): Promise<{ code: number | null; said: string }> {
  const flags = ["--mode", "validate", "-c", file, "--log-level", "error"];
  return new Promise((resolve) => {
    const child = execFile(process.env["HEDDLE_ENVOY"] ?? "envoy", flags, (error, out, err) =>
      resolve({ code: child.exitCode, said: `${error?.message ?? ""}${out}${err}` }),
    );
  });
}

/** The command has to succeed too where `clean`: rules of others may have findings that are none of Envoy's business. */
async function validates(files: readonly string[], proxy: string, clean: boolean): Promise<void> {
  const result = await heddle([
    "xds",
    ...["-f", path.join(work, "cluster"), ...files.flatMap((f) => ["-f", f])],
    "--proxy",
    proxy,
    "--bootstrap",
  ]);
  const { staticResources } = JSON.parse(result.stdout) as {
    staticResources: { listeners: unknown[] };
  };
  if (clean) {
    expect(result.code, `${proxy}: ${result.stderr}`).toBe(0);
    expect(staticResources.listeners.length, proxy).toBeGreaterThan(0);
  }
  const file = path.join(work, `bootstrap-${proxy}.json`);
  await writeFile(file, result.stdout);
  const { code, said } = await envoyJudges(file);
  expect(code, `${proxy}: ${said}`).toBe(0);
}

async function allValidate(
  files: readonly string[],
  at: readonly string[],
  clean: boolean,
): Promise<void> {
  const left = [...at];
  const worker = async () => {
    for (let proxy = left.shift(); proxy; proxy = left.shift())
      await validates(files, proxy, clean);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

describe("examples", () => {
  const rules = readdirSync(EXAMPLES, { recursive: true, encoding: "utf8" }).filter(
    (file) => /\.ya?ml$/.test(file) && !file.includes("node_modules") && file !== CLUSTER,
  );
  test("and the proxies of the demo are there", () => {
    expect(rules).toEqual(expect.arrayContaining(FIRST_RULES));
    expect(rules.length).toBeGreaterThanOrEqual(6);
    expect(proxies).toEqual(expect.arrayContaining([...ONE_OF_EACH]));
    expect(proxies).toHaveLength(7);
  });
  test.each(rules)("%s passes envoy --mode validate at every proxy of the demo", async (rule) => {
    const files = [...new Set([...FIRST_RULES, rule])].map((file) => path.join(EXAMPLES, file));
    await allValidate(files, proxies, true);
  });
});

test("a bootstrap that Envoy refuses is seen to be refused", async () => {
  const file = path.join(work, "refused.json");
  await writeFile(
    file,
    JSON.stringify({ staticResources: { clusters: [{ name: "", connectTimeout: "0s" }] } }),
  );
  const { code, said } = await envoyJudges(file);
  expect(code).not.toBe(0);
  expect(said).toMatch(/connect_timeout|ClusterValidationError|name/i);
});

describe.skipIf(!existsSync(mustAccept))("must-accept", () => {
  const files = existsSync(mustAccept) ? readdirSync(mustAccept) : [];
  test.each(files)("%s translates, and Envoy accepts it", (file) =>
    allValidate([path.join(mustAccept, file)], ONE_OF_EACH, false),
  );
});
