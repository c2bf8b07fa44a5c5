/**
 * `./heddle --run test:conformance [--run-test NAME] [--report FILE] [--state DIR]`: the Gateway API's own suite on a cluster with
 * Heddle installed, as root on Linux; with `--state` on the cluster that runs from there, and stays. The last line is "N passed, N
 * failed, N skipped"; what is claimed and fails ends it with 1. With HEDDLE_REPORTS set to a folder, the results are left there as
 * `conformance.json`, and the suite's own report as `conformance-report.yaml`. `build` makes what is built once, and runs nothing.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { fail } from "../../apps/cli/src/output/fail.ts";
import { ensurePackages } from "../cluster/harness/packages.ts";
import { RUNS } from "./features.ts";
import { buildPrograms } from "./images.ts";
import { mergeReports, writeResults } from "./reports.ts";
import { runSuite, type TestResult } from "./run.ts";
import { buildSuite, type Suite } from "./suite.ts";
import { agentLog, type Surroundings, surroundings } from "./surroundings.ts";

/** Of the agent's log, where something failed. */
const LAST_LINES = 60;
const MOST_AGAIN = 6;
const say = (line: string) => console.error(`heddle: ${line} …`);

try {
  process.exitCode = await main();
} catch (error) {
  fail(error);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ "run-test": { type: "string" }, report: { type: "string" } },
      state: { type: "string" },
    },
  });
  await ensurePackages("cluster", say);
  const suite = await buildSuite(say);
  if (positionals[0] === "build") {
    await buildPrograms(say);
    return 0;
  }
  const folder = await mkdtemp(path.join(tmpdir(), "heddle-conformance-"));
  let cluster: Surroundings | undefined;
  try {
    const state = path.resolve(values.state ?? path.join(folder, "state"));
    cluster = await surroundings(state, { running: values.state !== undefined, say });
    const only = values["run-test"];
    const reportOf = (name: string) => path.join(folder, `${name}.yaml`);
    const runs = RUNS.filter(
      ({ name }) => only === undefined || (name === "mesh") === only.startsWith("Mesh"),
    );
    const results: TestResult[] = [];
    const ended = await Promise.allSettled(
      runs.map(async (run) => {
        const options = { suite, run, report: reportOf(run.name) };
        const running = runSuite(cluster as Surroundings, {
          ...options,
          ...(only === undefined ? {} : { only }),
        });
        for await (const result of running) {
          results.push(result);
          tell(result);
        }
      }),
    );
    for (const each of ended) if (each.status === "rejected") throw each.reason;
    await againByThemselves({ cluster, suite, results, folder });
    const reports = process.env["HEDDLE_REPORTS"];
    if (reports) await writeResults(reports, results);
    const report =
      values.report ?? (reports ? path.join(reports, "conformance-report.yaml") : undefined);
    if (report !== undefined)
      await mergeReports(
        runs.map(({ name }) => reportOf(name)),
        report,
      );
    const count = (wanted: TestResult["verdict"]) =>
      results.filter(({ verdict }) => verdict === wanted).length;
    if (count("fail") > 0) console.log(await agentLog(cluster, LAST_LINES));
    console.log(`${count("pass")} passed, ${count("fail")} failed, ${count("skip")} skipped`);
    return count("fail") === 0 && count("pass") > 0 ? 0 : 1;
  } finally {
    await cluster?.down();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Few that failed are run once more: each of the suite's own waits has its limit, which a busy machine passes. Changes `results`. */
async function againByThemselves({
  cluster,
  suite,
  results,
  folder,
}: {
  readonly cluster: Surroundings;
  readonly suite: Suite;
  readonly results: TestResult[];
  readonly folder: string;
}): Promise<void> {
  const failed = results.filter(({ verdict }) => verdict === "fail");
  if (failed.length > MOST_AGAIN) return;
  for (const first of failed) {
    const run = RUNS.find(({ name }) => (name === "mesh") === first.name.startsWith("Mesh"));
    if (run === undefined) continue;
    console.log(`${first.name}: once more, by itself`);
    const report = path.join(folder, "again.yaml");
    for await (const result of runSuite(cluster, { suite, run, report, only: first.name })) {
      if (result.name !== first.name) continue;
      results[results.indexOf(first)] = result;
      tell(result);
    }
  }
}

function tell({ name, verdict, seconds, said }: TestResult): void {
  console.log(`${verdict.toUpperCase()} ${name} (${seconds.toFixed(1)} s)`);
  if (verdict === "fail") console.log(said);
}
