// Reads the JSON reports that the runners leave: <folder>/<suite>.json, and <folder>/again/<suite>.json for the files of it that
// failed and were run once more by themselves.
import { readFileSync } from "node:fs";
import path from "node:path";

/** One runner's results by file; undefined where there is no report. */
export function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).testResults;
  } catch {
    return undefined;
  }
}

/** A suite's results, those of a second run in place of the first's, and the files of which only the second run passed. */
export function readSuite(folder, suite) {
  const first = readReport(path.join(folder, `${suite}.json`));
  if (!first) return undefined;
  const again = new Map(
    (readReport(path.join(folder, "again", `${suite}.json`)) ?? []).map((result) => [
      result.name,
      result,
    ]),
  );
  return {
    results: first.map((result) => again.get(result.name) ?? result),
    recovered: first.filter(({ name }) => again.has(name) && !hasFailed(again.get(name))),
  };
}

/** Whether a test of the file failed, or the file itself could not be run. */
export function hasFailed(result) {
  return (
    result.status === "failed" || result.assertionResults.some(({ status }) => status === "failed")
  );
}

/** As people name it: from the root of the checkout. */
export function fileName({ name }) {
  return path.relative(process.cwd(), name);
}
