/** Queries over requests: totals by series, and their course in equal steps. */

import type { DuckDBConnection } from "@duckdb/node-api";
import type { Bucket } from "@heddle/telemetry";
import { quantilesOf } from "../traffic/golden.ts";
import { isError, isTcp, type SeriesTotals } from "../traffic/series-totals.ts";
import type { TimeRange } from "../telemetry-store.ts";
import type { Dictionary } from "./series.ts";

/** What each series of a scope did in the range; series without traffic are absent. */
export async function seriesTotals(
  connection: DuckDBConnection,
  dictionary: Dictionary,
  scope: number,
  range: TimeRange,
): Promise<SeriesTotals[]> {
  const values = { scope, from: BigInt(range.from), to: BigInt(range.to) };
  const latency = new Map<number, Bucket[]>();
  const buckets = await connection.runAndReadAll(
    "SELECT series, lower, upper, sum(count) FROM latencies WHERE scope = $scope AND time > $from AND time <= $to GROUP BY ALL",
    values,
  );
  for (const [series, lower, upper, count] of buckets.getRowsJS() as [
    number,
    number,
    number,
    number,
  ][]) {
    const own = latency.get(series);
    if (own) own.push({ lower, upper, count });
    else latency.set(series, [{ lower, upper, count }]);
  }
  const totals = await connection.runAndReadAll(
    `SELECT series, sum(requests), sum(durations), sum(duration_sum), sum(request_bytes), sum(response_bytes), sum(opened), sum(closed), sum(received), sum(sent)
     FROM requests WHERE scope = $scope AND time > $from AND time <= $to GROUP BY ALL`,
    values,
  );
  return (totals.getRowsJS() as number[][]).map((row): SeriesTotals => {
    const [
      id,
      requests,
      durations,
      durationSum,
      requestBytes,
      responseBytes,
      opened,
      closed,
      received,
      sent,
    ] = row as [number, number, number, number, number, number, number, number, number, number];
    const { labels } = dictionary.series(id)!;
    return {
      id,
      labels,
      requests,
      durations,
      durationSum,
      requestBytes,
      responseBytes,
      opened,
      closed,
      received,
      sent,
      latency: latency.get(id) ?? [],
    };
  });
}

/** The course of one group: one element a step. Rates are per second. */
export interface Course {
  rate: number[];
  errors: number[];
  bytes: number[];
  p50: (number | null)[];
  p95: (number | null)[];
  p99: (number | null)[];
}

/** `groups` holds the numbers of the series that stand for each group. */
export async function courses(
  connection: DuckDBConnection,
  dictionary: Dictionary,
  scope: number,
  range: TimeRange,
  stepMs: number,
  groups: readonly (readonly number[])[],
): Promise<Course[]> {
  const steps = Math.max(1, Math.ceil((range.to - range.from) / stepMs));
  const result = groups.map(() => ({
    rate: zeros(steps),
    errors: zeros(steps),
    bytes: zeros(steps),
    latency: Array.from({ length: steps }, (): Bucket[] => []),
  }));
  const members = groups.flatMap((ids, group) => ids.map((id) => ({ id, group })));
  if (members.length > 0) {
    const chosen = membership(dictionary, members);
    const values = { scope, from: BigInt(range.from), to: BigInt(range.to), step: BigInt(stepMs) };
    const amounts = await connection.runAndReadAll(
      `WITH chosen AS (${chosen})
       SELECT grp, ((time - 1 - $from) // $step)::INTEGER AS step, sum(CASE WHEN tcp THEN opened ELSE requests END),
         sum(CASE WHEN NOT failed THEN 0 WHEN tcp THEN opened ELSE requests END), sum(request_bytes + response_bytes + received + sent)
       FROM requests JOIN chosen ON series = id WHERE scope = $scope AND time > $from AND time <= $to GROUP BY ALL`,
      values,
    );
    for (const [group, step, amount, failed, bytes] of amounts.getRowsJS() as [
      number,
      number,
      number,
      number,
      number,
    ][]) {
      const own = result[group]!;
      own.rate[step] = (amount * 1000) / stepMs;
      own.errors[step] = (failed * 1000) / stepMs;
      own.bytes[step] = (bytes * 1000) / stepMs;
    }
    const buckets = await connection.runAndReadAll(
      `WITH chosen AS (${chosen})
       SELECT grp, ((time - 1 - $from) // $step)::INTEGER AS step, lower, upper, sum(count)
       FROM latencies JOIN chosen ON series = id WHERE scope = $scope AND time > $from AND time <= $to GROUP BY ALL`,
      values,
    );
    for (const [group, step, lower, upper, count] of buckets.getRowsJS() as [
      number,
      number,
      number,
      number,
      number,
    ][]) {
      result[group]!.latency[step]!.push({ lower, upper, count });
    }
  }
  return result.map(({ rate, errors, bytes, latency }) => {
    const quantiles = latency.map((at) => quantilesOf(at, [0.5, 0.95, 0.99]));
    return {
      rate,
      errors,
      bytes,
      p50: quantiles.map((q) => q[0]!),
      p95: quantiles.map((q) => q[1]!),
      p99: quantiles.map((q) => q[2]!),
    };
  });
}

/** A relation of series and the group each stands for; numbers only, so they can stand in the text. */
function membership(
  dictionary: Dictionary,
  members: readonly { id: number; group: number }[],
): string {
  const labels = (id: number) => dictionary.series(id)!.labels;
  const list = (pick: (member: { id: number; group: number }) => number | boolean) =>
    members.map(pick).join(",");
  return `SELECT unnest([${list(({ id }) => id)}]) AS id, unnest([${list(({ group }) => group)}]) AS grp,
    unnest([${list(({ id }) => isTcp(labels(id)))}]) AS tcp, unnest([${list(({ id }) => isError(labels(id)))}]) AS failed`;
}

function zeros(length: number): number[] {
  return Array<number>(length).fill(0);
}
