/** The proxies' totals at the end of one run of the agent, so that the next goes on from there and counts what happened in between. */

import { readFile, rename, unlink, writeFile } from "node:fs/promises";
import type { ProxyTotals, RequestTotals } from "@heddle/telemetry";

interface StoredTotals {
  uptime: number | null;
  /** Milliseconds since 1970. */
  at: number;
  series: [string, Omit<RequestTotals, "buckets"> & { buckets: [number, number][] }][];
}

/**
 * Written at a clean end alone: totals that were not the last ones sent would count twice what was sent since. A run that was killed leaves
 * none, and the next one starts from what it first sees.
 */
export async function writeBaseline(
  file: string,
  totals: ReadonlyMap<string, ProxyTotals>,
): Promise<void> {
  const shift = Date.now() - performance.now();
  const stored = [...totals].map(([key, { at, uptime, series }]): [string, StoredTotals] => [
    key,
    {
      uptime: uptime ?? null,
      at: at + shift,
      series: [...series].map(([labels, one]) => [labels, { ...one, buckets: [...one.buckets] }]),
    },
  ]);
  await writeFile(`${file}.part`, JSON.stringify(stored));
  await rename(`${file}.part`, file);
}

/** Takes the totals, so that no second run starts from them. Nothing where there are none, or none that can be read. */
export async function takeBaseline(file: string): Promise<Map<string, ProxyTotals>> {
  const totals = new Map<string, ProxyTotals>();
  try {
    const text = await readFile(file, "utf8");
    await unlink(file);
    const shift = Date.now() - performance.now();
    for (const [key, { at, uptime, series }] of JSON.parse(text) as [string, StoredTotals][]) {
      totals.set(key, {
        at: at - shift,
        uptime: uptime ?? undefined,
        series: new Map(
          series.map(([labels, one]) => [labels, { ...one, buckets: new Map(one.buckets) }]),
        ),
      });
    }
    return totals;
  } catch {
    return new Map();
  }
}
