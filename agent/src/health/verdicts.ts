/**
 * What is known of workloads from reports on their probes. Envoy decides at once where a probe has thresholds: at its first
 * check, and where a gRPC server says that it does not serve. There a report has to last for as long as the checks would take.
 */
import type { ProbeTimes } from "./check.ts";

/** Undefined: as good as without a probe. */
export type Verdict = "waiting" | "up" | "down" | undefined;

/** One run of checks: from the message that asks for them until the stream ends, or asks otherwise. */
export interface Run {
  /** When Envoy first said what it says now, milliseconds. */
  since: number;
  says: "up" | "down" | undefined;
  /** Whether Envoy has found it well once: only after that its own threshold of failures counts. */
  well: boolean;
}

export function newRun(): Run {
  return { since: 0, says: undefined, well: false };
}

/** The verdict after a report, which changes the run. `now` in milliseconds. */
export function judge(
  verdict: Verdict,
  run: Run,
  healthy: boolean,
  { period, timeout, successThreshold, failureThreshold }: ProbeTimes,
  grpc: boolean,
  now: number,
): Verdict {
  const says = healthy ? "up" : "down";
  const first = !run.well;
  if (run.says !== says) {
    run.says = says;
    run.since = now;
  }
  const lasted = now - run.since;
  if (healthy) {
    // Envoy's first success stands for all; later ones it has counted.
    if (first && verdict !== "up" && lasted < (successThreshold - 1) * period) return verdict;
    run.well = true;
    return "up";
  }
  if (first) {
    // Before its first check has ended Envoy calls everything unhealthy.
    return lasted < (failureThreshold - 1) * period + timeout ? verdict : "down";
  }
  return grpc && lasted < (failureThreshold - 1) * period ? verdict : "down";
}
