/** A thousand random changes of rules under 300 requests a second through two hops, three times: no answer that the rules do not explain. */
import { expect, test } from "vitest";
import { described, runOracle, slowAllowed } from "../oracle/run.ts";

/** Seeds of one's own: `HEDDLE_SEED=7,8`. */
const given = process.env["HEDDLE_SEED"]?.split(",").map(Number);
const seeds = given ?? Array.from({ length: 3 }, () => Math.floor(Math.random() * 2 ** 31));

test.each(seeds)("1,000 changes under load, seed %i", async (seed) => {
  const report = await runOracle({ seed, changes: 1_000, rate: 300, block: 172 });
  console.log(described(seed, report));
  expect(report.unexpected).toHaveLength(0);
  expect(report.slow).toBeLessThanOrEqual(slowAllowed(report.requests));
  expect(report.requests).toBeGreaterThan(10_000);
});
