/**
 * `./heddle --run test:conformance [--run-test NAME] [--report FILE]`: the Gateway API's own suite on a cluster with an agent, as
 * root on Linux. The last line is "N passed, N failed"; what is claimed and fails ends it with 1.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { SUPPORTED_FEATURES } from "@heddle/model";
import { fail } from "../../apps/cli/src/output/fail.ts";
import { type Cluster, startCluster } from "../cluster/harness/cluster.ts";
import { importEnvoy } from "../cluster/harness/images.ts";
import { ensurePackages } from "../cluster/harness/packages.ts";
import { startAgentFor } from "./agent.ts";
import { PROFILES } from "./features.ts";
import { importEchoBasic, importWhoami } from "./images.ts";
import { buildSuite, definitions } from "./suite.ts";

const CLASS = "heddle";
const say = (line: string) => console.error(`heddle: ${line} …`);

try {
  process.exitCode = await main();
} catch (error) {
  fail(error);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { "run-test": { type: "string" }, report: { type: "string" } },
  });
  await ensurePackages("cluster", say);
  const suite = await buildSuite(say);
  const folder = await mkdtemp(path.join(tmpdir(), "heddle-conformance-"));
  let cluster: Cluster | undefined;
  let agent: Awaited<ReturnType<typeof startAgentFor>> | undefined;
  try {
    say("starting the cluster");
    cluster = await startCluster({ state: path.join(folder, "state"), say });
    await importEnvoy(cluster.state);
    await importEchoBasic(cluster.state, say);
    await importWhoami(cluster.state, say);
    await cluster.kubectl("apply", "--server-side", "-k", await definitions());
    await cluster.kubectl.apply({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "GatewayClass",
      metadata: { name: CLASS },
      spec: { controllerName: "heddle.dev/gateway-controller" },
    });
    agent = await startAgentFor(cluster, path.join(folder, "agent"));
    const report = values.report ?? path.join(folder, "report.yaml");
    const only = values["run-test"] === undefined ? [] : [`-run-test=${values["run-test"]}`];
    return await run(suite, cluster, [`-report-output=${path.resolve(report)}`, ...only]);
  } finally {
    await agent?.close();
    await cluster?.down();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Prints one line for each test of the suite, and what it said of those that failed. */
async function run(suite: string, { kubeconfig, network }: Cluster, more: readonly string[]) {
  const pool = network.loadBalancers.replace(/\.0\/24$/, "");
  const child = spawn(
    suite,
    [
      // Results as they come; without it those of the whole suite come at its end.
      ...["-test.v=test2json", "-test.timeout=120m"],
      ...[`-gateway-class=${CLASS}`, `-conformance-profiles=${PROFILES.join()}`],
      `-supported-features=${SUPPORTED_FEATURES.join()}`,
      // One that the harness has, and one of nobody's (RFC 5737).
      ...[`-usable-address=${pool}.200`, "-unusable-address=192.0.2.7"],
      ...["-organization=heddle", "-project=heddle", "-url=https://heddle.dev"],
      ...["-version=v0.1.0", "-contact=https://heddle.dev"],
      ...more,
    ],
    { env: { ...process.env, KUBECONFIG: kubeconfig }, stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = new Promise<number>((resolve) => child.once("close", (code) => resolve(code ?? 1)));
  const counts = { PASS: 0, FAIL: 0, SKIP: 0 };
  let said: string[] = [];
  for await (const raw of createInterface({ input: child.stdout })) {
    // What begins a result in a line of its own, where results are told as they come.
    const line = raw.replaceAll("\u0016", "");
    if (/^=== RUN\s+TestConformance\/[^/]+$/.test(line)) said = [];
    else said.push(line);
    const result = /^\s*--- (PASS|FAIL|SKIP): TestConformance\/([^/ ]+) \((.*)\)$/.exec(line);
    if (!result) continue;
    const [, verdict = "FAIL", name = "", time = ""] = result;
    counts[verdict as keyof typeof counts] += 1;
    console.log(`${verdict} ${name} (${time})`);
    if (verdict === "FAIL") console.log(said.join("\n"));
  }
  const code = await ended;
  console.log(`${counts.PASS} passed, ${counts.FAIL} failed, ${counts.SKIP} skipped`);
  return code === 0 ? 0 : 1;
}
