/**
 * The leader's work: entries whose machine is gone and whose replica is no more, so that nobody else would remove them. How long
 * that is so is judged by when the leader first saw it, since the times on entries are of other clocks.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { MeshObject } from "@heddle/model";
import { ApiFailure } from "../kubernetes/api-failure.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import type { AgentLog } from "../log.ts";
import { disconnected, placeOfEntries, registrationOf, removeEntry } from "./entry.ts";

/** A replica that is gone leaves its machines so long to come to another, milliseconds: Envoys come back within seconds. */
export const ORPHANED_MS = 30_000;

export interface SweepOptions {
  readonly client: Pick<KubernetesClient, "find" | "replace" | "remove">;
  /** Keys of all WorkloadEntries, as they are now. */
  readonly entries: () => Iterable<string>;
  readonly objectAt: (key: string) => MeshObject | undefined;
  /** Whether the replica that is noted on an entry may still have its machine. */
  readonly isServed: (entry: string, controller: string) => boolean;
  /** How long after its machine an entry goes, milliseconds. */
  readonly grace: number;
  readonly orphaned?: number;
  readonly log: AgentLog;
}

/** Resolves when `signal` ends it. */
export async function sweep(options: SweepOptions, signal: AbortSignal): Promise<void> {
  const { entries, objectAt, isServed, grace, orphaned = ORPHANED_MS, log } = options;
  /** Since when an entry has stood as it stands, `performance.now()`. */
  const seen = new Map<string, { readonly state: string; readonly since: number }>();
  while (!signal.aborted) {
    const now = performance.now();
    const keys = new Set(entries());
    for (const key of seen.keys()) if (!keys.has(key)) seen.delete(key);
    for (const key of keys) {
      const entry = objectAt(key);
      const noted = entry && registrationOf(entry);
      if (!entry || !noted) continue;
      const gone = noted.disconnectedAt;
      if (gone === undefined && isServed(key, noted.controller)) {
        seen.delete(key);
        continue;
      }
      const state = gone ?? `without ${noted.controller} since ${noted.connectedAt}`;
      const before = seen.get(key);
      if (before?.state !== state) seen.set(key, { state, since: now });
      else if (now - before.since >= (gone === undefined ? orphaned : grace))
        await settle(options, entry, gone !== undefined, signal).catch((error: unknown) => {
          if (!signal.aborted && !ApiFailure.of(error).conflict)
            log.error("HDL7262: the WorkloadEntry of a machine that is gone cannot be removed", {
              ...{ entry: key, error: ApiFailure.of(error).message },
            });
        });
    }
    await sleep(Math.max(1_000, Math.min(grace, orphaned)), undefined, { signal }).catch(() => {});
  }
}

/** Removes it, or notes first that its machine is gone; neither where somebody has written it since. */
async function settle(
  { client, log }: SweepOptions,
  { apiVersion, metadata }: MeshObject,
  isGone: boolean,
  signal: AbortSignal,
): Promise<void> {
  const place = placeOfEntries(apiVersion, metadata.namespace);
  const there = await client.find(place, metadata.name, signal);
  const [before, after] = [registrationOf({ metadata }), there && registrationOf(there)];
  if (!there || JSON.stringify(before) !== JSON.stringify(after)) return;
  if (!isGone) {
    await client.replace(place, disconnected(there, new Date().toISOString()), signal);
  } else if (await removeEntry(client, there, signal)) {
    log.info("a machine's entry is removed", {
      entry: metadata.name,
      namespace: metadata.namespace,
    });
  }
}
