/** `./heddle --run cluster build|up|down|status`: a real Kubernetes cluster of one node on this machine, to try things in. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { CliError } from "../../apps/cli/src/output/cli-error.ts";
import { fail } from "../../apps/cli/src/output/fail.ts";
import { buildComponents, buildHelm } from "./harness/components.ts";
import { startCluster, stopCluster } from "./harness/cluster.ts";
import { kubeconfigOf } from "./harness/control-plane.ts";
import { importEnvoy } from "./harness/images.ts";
import { defaultNumber, networkOf } from "./harness/network.ts";
import { buildDelivery } from "./harness/delivery-components.ts";
import { ensurePackages } from "./harness/packages.ts";
import { logFile, recorded } from "./harness/recorded.ts";
import { KUBERNETES_VERSION } from "./harness/versions.ts";

const root = path.resolve(import.meta.dirname, "../..");
const say = (line: string) => console.error(`heddle: ${line} …`);

try {
  process.exitCode = await main();
} catch (error) {
  fail(error);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { state: { type: "string" }, number: { type: "string" } },
  });
  const state = path.resolve(values.state ?? path.join(root, ".heddle/cluster"));
  switch (positionals.join(" ")) {
    case "build":
      await ensurePackages("cluster", say);
      await buildComponents(say);
      await buildHelm(say);
      await buildDelivery(say);
      console.log(
        `Kubernetes ${KUBERNETES_VERSION}, and what is tested with it, are in the cache.`,
      );
      return 0;
    case "up": {
      say("starting the cluster");
      const cluster = await startCluster({
        state,
        number: Number(values.number ?? defaultNumber()),
        say,
      });
      const envoy = await importEnvoy(state);
      console.log(
        `The cluster is up after ${cluster.startSeconds.toFixed(0)} s. Pods can run ${envoy}.`,
      );
      console.log(`export KUBECONFIG=${cluster.kubeconfig}`);
      return 0;
    }
    case "down":
      await stopCluster(state, numberOf(state));
      console.log("The cluster is gone.");
      return 0;
    case "status":
      return status(state);
    default:
      throw new CliError(
        "HDL9002",
        `There is no \`cluster ${positionals.join(" ")}\`.`,
        "`./heddle --run cluster up`, `down`, `status` or `build`; --state DIR and --number N for another one.",
        2,
      );
  }
}

/** 1 where a part does not run. */
function status(state: string): number {
  const parts = recorded(state);
  if (parts.length === 0) throw none(state);
  for (const { name, pid, running } of parts)
    console.log(
      `${name.padEnd(12)} ${running ? `running, pid ${pid}` : `ended; see ${logFile(state, name)}`}`,
    );
  console.log(
    `API server   https://${networkOf(numberOf(state)).node}:6443, KUBECONFIG=${kubeconfigOf(state)}`,
  );
  return parts.every(({ running }) => running) ? 0 : 1;
}

function numberOf(state: string): number {
  const file = path.join(state, "cluster.json");
  if (!existsSync(file)) throw none(state);
  return (JSON.parse(readFileSync(file, "utf8")) as { number: number }).number;
}

function none(state: string): CliError {
  return new CliError(
    "HDL9073",
    `There is no test cluster in ${state}.`,
    "Start one: `./heddle --run cluster up`.",
    1,
  );
}
