/**
 * Runs the benches: `./heddle --run bench`, and with `--smoke`, as CI does, with fewer clients. The engine always runs at full size,
 * since it is there that its limits count. By its name, each is run by itself with the flags that follow.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { CliError } from "../../apps/cli/src/output/cli-error.ts";
import { fail } from "../../apps/cli/src/output/fail.ts";

const [first, ...rest] = process.argv.slice(2);
const smoke = first === "--smoke";

interface Bench {
  readonly what: string;
  readonly file: string;
  readonly args: readonly string[];
}

const BENCHES: Readonly<Record<string, Bench>> = {
  engine: {
    what: "translation: what a change costs in a large mesh",
    ...{ file: "engine.ts", args: ["10000", "20"] },
  },
  ads: {
    what: "translation and ADS server in one process, under clients",
    file: "ads.ts",
    args: ["--clients", smoke ? "20" : "100", "--services", smoke ? "200" : "1000"],
  },
  redaction: {
    what: "redaction of telemetry",
    ...{ file: "redaction.ts", args: [smoke ? "50" : "600"] },
  },
  validation: {
    what: "validation of requests",
    ...{ file: "validation.ts", args: [smoke ? "500" : "5000"] },
  },
  issue: { what: "certificates of workloads", file: "issue.ts", args: smoke ? ["2"] : [] },
  encoding: {
    what: "Envoy resources as bytes",
    ...{ file: "../../packages/envoy/scripts/speed.ts", args: [] },
  },
  peer: {
    what: "our agent beside istiod, on a real API server",
    ...{ file: "peer/main.ts", args: smoke ? ["--smoke"] : [] },
  },
};

const HELP = `Benchmarks.

  ./heddle --run bench                  all of them, at full size: about half an hour, and as much again for what is built first
  ./heddle --run bench --smoke          all of them, small
  ./heddle --run bench NAME [flags]     one of them, with its own flags

${Object.entries(BENCHES)
  .map(([name, { what }]) => `  ${name.padEnd(12)}${what}`)
  .join("\n")}`;

const named = first === undefined || smoke ? undefined : BENCHES[first];
if (first === "--help") console.log(HELP);
else if (first !== undefined && !smoke && !named)
  fail(
    new CliError(
      "HDL9004",
      `There is no benchmark ${JSON.stringify(first)}.`,
      `There are: ${Object.keys(BENCHES).join(", ")}.`,
      2,
    ),
  );
else {
  const all = named
    ? [{ ...named, args: rest.length > 0 ? rest : named.args }]
    : Object.values(BENCHES);
  const statuses = all.map(({ file, args }) => {
    if (!named) console.log(`\n${file} ${args.join(" ")}`);
    const path = join(import.meta.dirname, file);
    return spawnSync(process.execPath, ["--expose-gc", path, ...args], { stdio: "inherit" }).status;
  });
  process.exitCode = statuses.find((status) => status !== 0) ?? 0;
}
