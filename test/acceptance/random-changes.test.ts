/** Random changes of rules under 300 requests a second through two hops: no answer that the rules do not explain. */
import { expect, test } from "vitest";
import { described, runOracle, slowAllowed } from "../oracle/run.ts";

/** The same run each time; the long suite draws seeds of its own. */
const seed = Number(process.env["HEDDLE_SEED"] ?? 31);

test(`100 changes under load, seed ${seed}`, async () => {
  const report = await runOracle({ seed, changes: 100, rate: 300, block: 174 });
  console.log(described(seed, report));
  expect(report.unexpected).toHaveLength(0);
  expect(report.slow).toBeLessThanOrEqual(slowAllowed(report.requests));
});
