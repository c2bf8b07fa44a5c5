/** What the command line asks for, as one checked value. */
import path from "node:path";
import { parseArgs } from "node:util";
import { CliError } from "../../../apps/cli/src/output/cli-error.ts";
import { ROOT } from "../../harness/demo-process.ts";
import { isKubernetesBuilt } from "../../cluster/harness/components.ts";
import { isIstiodBuilt } from "./istiod.ts";
import type { Load } from "./rows.ts";

const SCENARIOS = ["plain", "on-demand", "growth", "cold-start", "commands"] as const;
export type Scenario = (typeof SCENARIOS)[number];

/** Of the issue that has the bars, and of a run that only shows that all of it works. */
const FULL = { services: 1000, clients: 400, rounds: 5, onDemand: 10, large: 10_000 };
const SMOKE = { services: 50, clients: 20, rounds: 1, onDemand: 10, large: 200 };

/** What a small run does where nobody says; clients on demand are measured by hand. */
const SMOKE_SCENARIOS: readonly Scenario[] = ["plain", "cold-start", "commands"];

export const HELP = `Our agent beside istiod: times, processor time, bytes and memory, as a table.

  ./heddle --run bench peer [flags]

  --services N     of the mesh, with 5 endpoints each (${FULL.services})
  --clients N      sidecars' ADS streams (${FULL.clients})
  --rounds N       of each side, in turn (${FULL.rounds})
  --on-demand N    services that a client on demand asks for (${FULL.onDemand})
  --large N        services of the large mesh of the scenario "growth" (${FULL.large})
  --scenarios S    of ${SCENARIOS.join(",")} (all)
  --no-peer        without istiod
  --smoke          small, and with istiod only where the cache has it
  --output DIR     where the page and the plot are written; a full run writes docs/performance
  --profile DIR    CPU profiles of our agents' processes
  --node=FLAGS     of Node for our agent's processes, besides its image's, such as --no-optimize-for-size
  --build          builds what is missing, and measures nothing
  --help

The first run builds Kubernetes, istiod and the clients (10, 5 and 1 minutes of two cores), and keeps them.`;

const [TEXT, SWITCH] = [{ type: "string" }, { type: "boolean" }] as const;

export interface Plan {
  readonly load: Load;
  /** Services of the large mesh. */
  readonly large: number;
  readonly scenarios: ReadonlySet<Scenario>;
  /** Whether istiod is measured too. */
  readonly peer: boolean;
  /** Whether what is missing is built, and nothing else is done. */
  readonly buildOnly: boolean;
  /** A folder for the page and the plot. */
  readonly output: string | undefined;
  /** Of our agents, besides their image's. */
  readonly nodeFlags: readonly string[];
}

/** `help` or `skip` where there is nothing to measure. Throws HDL9004 for what is no flag, or no value of one. */
export function planOf(args: readonly string[]): Plan | "help" | "skip" {
  const flags = flagsOf(args);
  if (flags.help) return "help";
  // CI builds what is missing; who tries the benches on a machine of their own is not made to wait for it.
  if (flags.smoke && !process.env["CI"] && !isKubernetesBuilt()) return "skip";
  const sizes = flags.smoke ? SMOKE : FULL;
  const load: Load = {
    services: counted(flags, "services", sizes.services, 2),
    clients: counted(flags, "clients", sizes.clients),
    rounds: counted(flags, "rounds", sizes.rounds),
    onDemand: counted(flags, "on-demand", sizes.onDemand, 2),
  };
  const otherwise = flags.smoke ? SMOKE_SCENARIOS : SCENARIOS;
  const scenarios = new Set(scenariosOf(flags.scenarios, otherwise));
  const peer = flags.peer ?? (!flags.smoke || isIstiodBuilt());
  const isFull =
    peer &&
    flags.node === undefined &&
    flags.profile === undefined &&
    scenarios.size === SCENARIOS.length &&
    (["services", "clients", "rounds"] as const).every((size) => load[size] >= FULL[size]);
  const { output, profile } = flags;
  return {
    ...{ load, scenarios, peer, buildOnly: flags.build ?? false },
    large: counted(flags, "large", Math.max(sizes.large, load.services), load.services),
    output: output ?? (isFull ? path.join(ROOT, "docs/performance") : undefined),
    nodeFlags: [
      ...(flags.node?.split(" ") ?? []),
      ...(profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${path.resolve(profile)}`]),
    ],
  };
}

type Flags = ReturnType<typeof flagsOf>;

function flagsOf(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowNegative: true,
      options: {
        ...{ services: TEXT, clients: TEXT, rounds: TEXT, "on-demand": TEXT, large: TEXT },
        ...{ scenarios: TEXT, output: TEXT, profile: TEXT, node: TEXT },
        ...{ peer: SWITCH, smoke: SWITCH, build: SWITCH, help: SWITCH },
      },
    }).values;
  } catch (error) {
    throw wrong((error as Error).message);
  }
}

function counted(
  flags: Flags,
  flag: "services" | "clients" | "rounds" | "on-demand" | "large",
  otherwise: number,
  least = 1,
): number {
  const given = flags[flag];
  const count = given === undefined ? otherwise : Number(given);
  if (Number.isInteger(count) && count >= least) return count;
  throw wrong(`--${flag}: ${JSON.stringify(given ?? otherwise)} is no number from ${least} up.`);
}

function scenariosOf(
  given: string | undefined,
  otherwise: readonly Scenario[],
): readonly Scenario[] {
  if (given === undefined) return otherwise;
  return given.split(",").map((name) => {
    const known = SCENARIOS.find((scenario) => scenario === name);
    if (known) return known;
    throw wrong(`There is no scenario ${JSON.stringify(name)}.`);
  });
}

function wrong(what: string): CliError {
  return new CliError("HDL9004", what, "`./heddle --run bench peer --help` has all flags.", 2);
}
