/** What workloads call, on disk: a pod that starts anew is given at once what others of its workload have asked for. */
import type { ProxyDescription } from "@heddle/translate";
import { z } from "zod";
import type { WorkingSets } from "../xds/index.ts";
import { keptFile } from "./kept-file.ts";
import type { StateDirectory } from "./state-directory.ts";

const FILE = "working-sets.json";

/** What was asked for longer ago is forgotten, and asked for again by whoever still calls it: milliseconds. */
const LASTS_MS = 7 * 24 * 3_600_000;
/** Whoever calls more than this is served without much of it at first. */
const MOST_NAMES = 300;
const MOST_WORKLOADS = 5_000;
/** Milliseconds. */
const WRITTEN_AFTER = 5_000;

/** By workload and name of a virtual host, when it was asked for last: milliseconds since 1970. */
const storedSchema = z.record(z.string(), z.record(z.string(), z.number()));

export interface WorkingSetsOptions {
  readonly directory: Pick<StateDirectory, "read" | "write">;
  /** What all pods of a workload have in common. */
  readonly workloadOf: (proxy: ProxyDescription) => string;
  readonly failed: (error: unknown) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export interface KeptWorkingSets extends WorkingSets {
  /** Resolves when all is written. */
  settled(): Promise<void>;
}

export async function createWorkingSets(options: WorkingSetsOptions): Promise<KeptWorkingSets> {
  const { directory, workloadOf, failed, now = Date.now } = options;
  const file = keptFile(directory, FILE, storedSchema, { failed, gather: WRITTEN_AFTER });
  /** Workloads and names in the order in which they were asked for last. */
  const sets = new Map<string, Map<string, number>>();
  for (const [workload, names] of Object.entries((await file.load()) ?? {})) {
    const fresh = Object.entries(names).filter(([, at]) => isFresh(at));
    sets.set(workload, new Map(fresh.toSorted(([, a], [, b]) => a - b)));
  }

  function isFresh(at: number): boolean {
    return now() - at < LASTS_MS;
  }

  return {
    of(proxy) {
      const names = sets.get(workloadOf(proxy)) ?? new Map<string, number>();
      return [...names].flatMap(([name, at]) => (isFresh(at) ? [name] : []));
    },
    asked(proxy, name) {
      const workload = workloadOf(proxy);
      const names = sets.get(workload) ?? new Map<string, number>();
      putLast(names, name, now(), MOST_NAMES);
      putLast(sets, workload, names, MOST_WORKLOADS);
      file.keep(() =>
        Object.fromEntries(Array.from(sets, ([key, set]) => [key, Object.fromEntries(set)])),
      );
    },
    settled: () => file.settled(),
  };
}

/** Those that were put there longest ago make room. */
function putLast<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= most) return;
    map.delete(oldest);
  }
}
