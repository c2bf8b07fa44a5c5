/** Runs the oracle by hand: `node test/oracle/main.ts SEED [CHANGES] [RATE]`. */
import { described, runOracle } from "./run.ts";

const [seed = 1, changes = 100, rate = 300] = process.argv.slice(2).map(Number);
const report = await runOracle({ seed, changes, rate, block: 170 });
console.log(described(seed, report));
process.exitCode = report.unexpected.length > 0 ? 1 : 0;
