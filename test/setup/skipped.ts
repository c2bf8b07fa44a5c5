/** Names at the end each test that was skipped for want of Envoy, with the reason; does nothing where there is one. */
import type { Reporter, TestModule } from "vitest/node";

/** Set by test/main.ts: why there is no Envoy. */
const REASON = process.env["HEDDLE_NO_ENVOY"];

export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    if (REASON === undefined) return;
    const names = modules.flatMap((module) =>
      [...module.children.allTests("skipped")].map(
        (test) => `${module.relativeModuleId}: ${test.fullName}`,
      ),
    );
    if (names.length === 0) return;
    console.log(`\n${names.map((name) => `  skipped  ${name}`).join("\n")}`);
    console.log(`${names.length} tests were skipped: they need Envoy. ${REASON}`);
  }
}
