/** Golden signals of a set of series: traffic, errors, latency. */

import type { Golden } from "@heddle/client";
import { sparseQuantile, splitFlags, type Bucket } from "@heddle/telemetry";
import { amountOf, bytesOf, isError, type SeriesTotals } from "./series-totals.ts";

export function goldenOf(series: readonly SeriesTotals[], seconds: number): Golden {
  let requests = 0;
  let errors = 0;
  let bytes = 0;
  const latency: Bucket[] = [];
  for (const one of series) {
    const amount = amountOf(one);
    requests += amount;
    bytes += bytesOf(one);
    if (isError(one.labels)) errors += amount;
    latency.push(...one.latency);
  }
  const [p50, p95, p99] = quantilesOf(latency, [0.5, 0.95, 0.99]);
  return {
    requests,
    rate: requests / seconds,
    errorRate: requests > 0 ? errors / requests : 0,
    p50: p50!,
    p95: p95!,
    p99: p99!,
    bytesPerSecond: bytes / seconds,
  };
}

/** Milliseconds, one for each share asked for; null where nothing was measured. */
export function quantilesOf(
  latency: readonly Bucket[],
  shares: readonly number[],
): (number | null)[] {
  return shares.map((share) => sparseQuantile(latency, share));
}

/** Requests by response flag. */
export function flagsOf(series: readonly SeriesTotals[]): Record<string, number> {
  const flags: Record<string, number> = {};
  for (const one of series)
    for (const flag of splitFlags(one.labels.response_flags))
      flags[flag] = (flags[flag] ?? 0) + amountOf(one);
  return flags;
}

/** Requests by response code; connections of TCP are not among them. */
export function codesOf(series: readonly SeriesTotals[]): Record<string, number> {
  const codes: Record<string, number> = {};
  for (const one of series) {
    const code = one.labels.response_code;
    if (code !== "" && one.requests > 0) codes[code] = (codes[code] ?? 0) + one.requests;
  }
  return codes;
}
