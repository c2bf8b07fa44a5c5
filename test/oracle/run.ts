/** One run of the oracle: random changes under load, and what was unexpected among the answers. */
import { changed, firstState } from "./changes.ts";
import { type OracleMesh, startOracleMesh } from "./mesh.ts";
import { randomOf } from "./random.ts";
import { startTraffic } from "./traffic.ts";
import { quantile } from "../harness/quantile.ts";
import { judge, type Step, type Unexpected } from "./verdict.ts";

export interface OracleOptions {
  readonly seed: number;
  readonly changes: number;
  /** Requests per second. */
  readonly rate: number;
  /** The second number of its loopback addresses. */
  readonly block: number;
}

export interface OracleReport {
  readonly requests: number;
  /** How many answers had each status. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly unexpected: readonly Unexpected[];
  /** Time-outs that only a slow machine explains; more than a few speak against the mesh, see `slowAllowed`. */
  readonly slow: number;
  /** How many states an answer was judged by, on average. */
  readonly statesEach: number;
  /** From the writing of a change until every hop has it, milliseconds, ascending. */
  readonly delays: readonly number[];
  readonly logs: string;
}

/** How many time-outs a slow machine may explain, of so many requests. */
export function slowAllowed(requests: number): number {
  return Math.max(5, requests / 200);
}

/** A change that has not reached every hop after so long has got stuck, milliseconds. */
const STUCK_MS = 20_000;
/** Between two looks at what is in force, milliseconds. */
const LOOK_MS = 4;

const now = () => performance.timeOrigin + performance.now();
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Rejects where a change gets stuck. */
export async function runOracle({
  seed,
  changes,
  rate,
  block,
}: OracleOptions): Promise<OracleReport> {
  const random = randomOf(seed);
  const first = firstState();
  const mesh = await startOracleMesh(block, first);
  const steps: Step[] = [{ what: "the beginning", state: first, begun: 0, applied: 0 }];
  const delays: number[] = [];
  try {
    await reached(mesh, first.version);
    const traffic = startTraffic({ ...mesh.gateway, rate, seed });
    await sleep(300);
    let waiting = 1;
    const arrived = async (version: number) => {
      await reached(mesh, version);
      const at = now();
      for (; waiting < steps.length; waiting++) {
        const step = steps[waiting] as Step;
        step.applied = at;
        delays.push(at - step.begun);
      }
    };
    let version = 0;
    for (let index = 0; index < changes; index++) {
      const last = steps.at(-1) as Step;
      const { what, state } = changed(last.state, random);
      // Some changes leave the probes' answers as they are: such a change must stand by itself, and no route may carry it.
      const quiet = random.chance(0.15);
      if (!quiet) version++;
      const next = { ...state, version };
      const step: Step = { what, state: next, begun: now(), applied: Infinity };
      steps.push(step);
      await mesh.write(next);
      if (quiet || random.chance(0.15)) await sleep(random.below(40));
      else {
        await arrived(version);
        await sleep(random.below(40));
      }
    }
    const last = { ...(steps.at(-1) as Step).state, version: version + 1 };
    steps.push({ what: "the end", state: last, begun: now(), applied: Infinity });
    await mesh.write(last);
    await arrived(last.version);
    await sleep(300);
    const answers = await traffic.stop();
    const seen = await mesh.arrived();
    return {
      requests: answers.length,
      statuses: Object.fromEntries(
        [...Map.groupBy(answers, ({ status }) => status)].map(([status, of]) => [
          status,
          of.length,
        ]),
      ),
      ...judge(steps, answers, seen),
      delays: delays.toSorted((a, b) => a - b),
      logs: mesh.logs(),
    };
  } finally {
    await mesh.stop();
  }
}

async function reached(mesh: OracleMesh, version: number): Promise<void> {
  const limit = now() + STUCK_MS;
  while (now() < limit) {
    const versions = await mesh.versions();
    if (versions.every((each) => each === version)) return;
    await sleep(LOOK_MS);
  }
  throw new Error(
    `version ${version} did not reach every hop; they have ${await mesh.versions()}\n${mesh.logs().slice(-4000)}`,
  );
}

/** What a report says, in lines; of what was unexpected the first few in full. */
export function described(seed: number, report: OracleReport): string {
  const { requests, statuses, unexpected, slow, statesEach, delays } = report;
  const [p50, p99, max] = [0.5, 0.99, 1].map((q) => quantile(delays, q).toFixed(0));
  return [
    `seed ${seed}: ${delays.length} changes, ${requests} requests, ${unexpected.length} unexpected, ${slow} timed out on a slow machine; judged by ${statesEach.toFixed(1)} states each; ${JSON.stringify(statuses)}`,
    `every hop has a change after p50 ${p50} ms, p99 ${p99} ms, max ${max} ms`,
    ...unexpected
      .slice(0, 3)
      .map(({ answer, during, why, states }) =>
        JSON.stringify({ why, during, answer, states }, null, 1),
      ),
  ].join("\n");
}
