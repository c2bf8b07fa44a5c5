/** Golden signals of a set of series: traffic, errors, latency. */

import type { Golden } from "@heddle/client";
import { explicitQuantile, splitFlags } from "@heddle/telemetry";
import { amountOf, bytesOf, isError, type SeriesTotals } from "./series-totals.ts";

export function goldenOf(series: readonly SeriesTotals[], seconds: number): Golden {
  let requests = 0;
  let errors = 0;
  let bytes = 0;
  const latency = new Map<number, number>();
  for (const one of series) {
    const amount = amountOf(one);
    requests += amount;
    bytes += bytesOf(one);
    if (isError(one.labels)) errors += amount;
    for (const [bound, count] of one.latency) latency.set(bound, (latency.get(bound) ?? 0) + count);
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
  latency: ReadonlyMap<number, number>,
  shares: readonly number[],
): (number | null)[] {
  const bounds = [...latency.keys()].filter((bound) => bound !== Infinity).sort((a, b) => a - b);
  const counts = [...bounds.map((bound) => latency.get(bound)!), latency.get(Infinity) ?? 0];
  return shares.map((share) => explicitQuantile(withLowerEdges({ bounds, counts }), share));
}

/** The usual bounds of Envoy and of this mesh; a bucket starts where the one below it ends, even if that one is empty and not stored. */
const usualBounds = [
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000,
];

function withLowerEdges(sparse: { bounds: number[]; counts: number[] }): {
  bounds: number[];
  counts: number[];
} {
  const all = new Map<number, number>();
  sparse.bounds.forEach((bound, index) => {
    const lower = usualBounds.findLast((usual) => usual < bound);
    if (lower !== undefined && !all.has(lower)) all.set(lower, 0);
    all.set(bound, sparse.counts[index]!);
  });
  const bounds = [...all.keys()].sort((a, b) => a - b);
  return { bounds, counts: [...bounds.map((bound) => all.get(bound)!), sparse.counts.at(-1)!] };
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
