/** The proxies' totals at the end of one run of the agent, so that the next goes on from there and counts what happened in between. */

import { readFile, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ProxyTotals, RequestTotals } from "@heddle/telemetry";

interface StoredTotals {
  uptime: number | null;
  /** Milliseconds since 1970. */
  at: number;
  series: [string, Omit<RequestTotals, "buckets"> & { buckets: [number, number][] }][];
}

interface StoredBaseline {
  /** Milliseconds since 1970. */
  writtenAt: number;
  proxies: [string, StoredTotals][];
}

export interface Baseline {
  totals: Map<string, ProxyTotals>;
  /** Monotonic time, milliseconds, since when the proxies have been watched without a gap; later than now where a run was cut off. */
  since: number;
}

/** A proxy may tell an uptime that is so much too short: after a run that was cut off, younger ones may have been counted by it. */
const uptimeLagMs = 10_000;

/**
 * Written at a clean end alone: totals that were not the last ones sent would count twice what was sent since. A run that was killed leaves
 * none, and the next one starts from what it first sees.
 */
export async function writeBaseline(
  dir: string,
  totals: ReadonlyMap<string, ProxyTotals>,
): Promise<void> {
  const shift = Date.now() - performance.now();
  const proxies = [...totals].map(([key, { at, uptime, series }]): [string, StoredTotals] => [
    key,
    {
      uptime: uptime ?? null,
      at: at + shift,
      series: [...series].map(([labels, one]) => [labels, { ...one, buckets: [...one.buckets] }]),
    },
  ]);
  const stored: StoredBaseline = { writtenAt: Date.now(), proxies };
  await writeFile(join(dir, `${baselineFile}.part`), JSON.stringify(stored));
  await rename(join(dir, `${baselineFile}.part`), join(dir, baselineFile));
  await unlink(join(dir, runningFile)).catch(() => undefined);
}

/** Takes the totals, so that no second run starts from them, and marks that a run is under way. */
export async function takeBaseline(dir: string): Promise<Baseline> {
  const now = performance.now();
  const cutOff = await readFile(join(dir, runningFile)).then(
    () => true,
    () => false,
  );
  await writeFile(join(dir, runningFile), "");
  const shift = Date.now() - now;
  try {
    const text = await readFile(join(dir, baselineFile), "utf8");
    await unlink(join(dir, baselineFile));
    const { writtenAt, proxies } = JSON.parse(text) as StoredBaseline;
    const totals = new Map<string, ProxyTotals>();
    for (const [key, { at, uptime, series }] of proxies) {
      totals.set(key, {
        at: at - shift,
        uptime: uptime ?? undefined,
        series: new Map(
          series.map(([labels, one]) => [labels, { ...one, buckets: new Map(one.buckets) }]),
        ),
      });
    }
    return { totals, since: writtenAt - shift };
  } catch {
    return { totals: new Map(), since: cutOff ? now + uptimeLagMs : now };
  }
}

const baselineFile = "baseline.json";
const runningFile = "running";
