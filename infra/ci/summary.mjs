// Adds up the runners' JSON reports and prints the closing line. A suite without its report counts as one failure, and so
// does each test that was left out: in CI nothing may be missing.
// Usage: summary.mjs DIRECTORY SUITE...
import { readFileSync } from "node:fs";
import path from "node:path";

const [directory, ...suites] = process.argv.slice(2);
const total = { passed: 0, failed: 0 };

for (const suite of suites) {
  const count = read(path.join(directory, `${suite}.json`));
  console.log(
    `${suite}: ${count.passed} passed, ${count.failed} failed${count.note ? ` (${count.note})` : ""}`,
  );
  total.passed += count.passed;
  total.failed += count.failed;
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);

function read(file) {
  let report;
  try {
    report = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return { passed: 0, failed: 1, note: "there is no report" };
  }
  const broken = report.testResults.filter(
    (r) => r.status === "failed" && r.assertionResults.length === 0,
  );
  for (const result of broken) console.log(`${suiteName(result.name)}: could not be run`);
  for (const { name, assertionResults } of report.testResults) {
    for (const { status, fullName, failureMessages } of assertionResults) {
      if (status === "passed") continue;
      console.log(`${suiteName(name)}: ${fullName}: ${status}`);
      for (const message of failureMessages) console.log(message.split("\n", 4).join("\n"));
    }
  }
  const skipped = report.numPendingTests + (report.numTodoTests ?? 0);
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length + skipped,
    note: skipped > 0 ? `${skipped} left out, counted as failed` : "",
  };
}

function suiteName(file) {
  return path.relative(process.cwd(), file);
}
