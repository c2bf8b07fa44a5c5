/** What is left of a run: the suite's report of all profiles, and the results as CI's summary reads those of every suite. */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { parse, stringify } from "yaml";
import type { TestResult } from "./run.ts";

/** As far as it is read here; the rest is kept as it is. */
interface ConformanceReport {
  readonly profiles?: readonly { readonly name: string }[];
  readonly succeededProvisionalTests?: readonly string[];
}

const SAID_AT_MOST = 20_000;

/** Writes one report of several runs' reports: what they say of the implementation is the same in each. */
export async function mergeReports(files: readonly string[], into: string): Promise<void> {
  const reports = await Promise.all(
    files.map(async (file) => parse(await readFile(file, "utf8")) as ConformanceReport),
  );
  const provisional = reports.flatMap((each) => each.succeededProvisionalTests ?? []);
  const merged = {
    ...reports[0],
    profiles: reports.flatMap(({ profiles = [] }) => profiles),
    ...(provisional.length > 0 ? { succeededProvisionalTests: provisional.toSorted() } : {}),
  };
  await writeFile(into, stringify(merged, { lineWidth: 0, indentSeq: false }));
}

/** Writes `<folder>/conformance.json`. Tests of what is not claimed are none of ours, and not in it. */
export async function writeResults(folder: string, results: readonly TestResult[]): Promise<void> {
  const ran = results.filter(({ verdict }) => verdict !== "skip");
  const failed = ran.some(({ verdict }) => verdict === "fail");
  const file = {
    name: path.join(import.meta.dirname, "conformance_test.go"),
    status: failed ? "failed" : "passed",
    message: "",
    assertionResults: ran.map(({ name, verdict, seconds, said }) => ({
      status: verdict === "pass" ? "passed" : "failed",
      ...{ title: name, fullName: name, duration: seconds * 1000 },
      failureMessages: verdict === "pass" ? [] : [said.slice(-SAID_AT_MOST)],
    })),
  };
  await writeFile(path.join(folder, "conformance.json"), JSON.stringify({ testResults: [file] }));
}
