// Adds up the runners' JSON reports and prints the closing line. A suite without its report counts as one failure, and so
// does each test that was left out: in CI nothing may be missing. Files that passed only when they were run once more, by
// themselves, count as passed and are named: each is a test to look into.
// Usage: summary.mjs DIRECTORY SUITE...
import { fileName, hasFailed, readSuite } from "./report.mjs";

const [directory, ...suites] = process.argv.slice(2);
const total = { passed: 0, failed: 0 };

for (const suite of suites) {
  const count = read(suite);
  console.log(
    `${suite}: ${count.passed} passed, ${count.failed} failed${count.note ? ` (${count.note})` : ""}`,
  );
  total.passed += count.passed;
  total.failed += count.failed;
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);

function read(suite) {
  const found = readSuite(directory, suite);
  if (!found) return { passed: 0, failed: 1, note: "there is no report" };
  for (const result of found.recovered) {
    console.log(`${fileName(result)}: needed a second run; at first:`);
    for (const test of result.assertionResults.filter(({ status }) => status === "failed"))
      explain(result, test);
  }
  let [passed, failed, leftOut] = [0, 0, 0];
  for (const result of found.results) {
    const broken = hasFailed(result) && !result.assertionResults.some(isFailure);
    if (broken) {
      failed++;
      console.log(`${fileName(result)}: could not be run: ${firstLines(result.message ?? "")}`);
    }
    for (const test of result.assertionResults) {
      if (test.status === "passed") {
        passed++;
        continue;
      }
      failed++;
      if (test.status !== "failed") leftOut++;
      explain(result, test);
    }
  }
  return {
    passed,
    failed,
    note: leftOut > 0 ? `${leftOut} left out, counted as failed` : "",
  };
}

function isFailure({ status }) {
  return status === "failed";
}

function explain(result, { status, fullName, failureMessages }) {
  console.log(`${fileName(result)}: ${fullName}: ${status}`);
  for (const message of failureMessages) console.log(firstLines(message));
}

function firstLines(message) {
  return message.split("\n", 4).join("\n");
}
