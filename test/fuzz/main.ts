/** Runs the fuzz by hand: `node test/fuzz/main.ts [--seed N] [--trials N] [--from N]`. Prints what it found and a summary. */
import { parseArgs } from "node:util";
import { fuzz } from "./run.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    trials: { type: "string", default: "3000" },
    from: { type: "string", default: "0" },
  },
});
const began = performance.now();
const { findings, codes, slowest, slowestFirst, ...counts } = fuzz(
  Number(values.seed),
  Number(values.trials),
  {
    from: Number(values.from),
    onProgress: (done) => done % 5000 === 0 && console.error(`${done} trials …`),
  },
);
for (const finding of findings.slice(0, 50)) console.log(`${finding}\n`);
console.log(
  JSON.stringify(
    { ...counts, slowest, slowestFirst, codes, seconds: (performance.now() - began) / 1000 },
    null,
    2,
  ),
);
console.log(`${findings.length} found`);
process.exit(findings.length === 0 ? 0 : 1);
