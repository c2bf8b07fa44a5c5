/** Writes what the mesh makes of the cluster's objects into their status: the leader's work, and only where it says something new. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Diagnostic } from "@heddle/model";
import type { Change } from "@heddle/translate";
import { ApiFailure } from "../kubernetes/api-failure.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import type { Leadership } from "../kubernetes/leader.ts";
import type { AgentLog } from "../log.ts";
import type { ObservedObject } from "../sources/kubernetes/observed.ts";
import type { MergedModel } from "../sources/merge.ts";
import { createWantedStatuses, type StatusChange, type StatusSettings } from "./wanted.ts";

/** Changes of a burst are looked at together, milliseconds. */
const GATHER = 100;
/** Looking takes at most a tenth of the time. */
const REST = 9;
/** Writes a second, and at once after a while without any. */
const RATE = 50;
/** Writes that are under way at a time. */
const TOGETHER = 4;
/** Where the server refuses or is away it is tried again after so long, milliseconds, and twice that each time. */
const AGAIN = { first: 1_000, most: 60_000 };

export interface StatusWriter {
  /** What the cluster has of its objects now; undefined: gone. */
  observed(seen: ReadonlyMap<string, ObservedObject | undefined>): void;
  /** Follows the model. */
  changed(changes: readonly Change[]): void;
  /** Other things are wrong than before. */
  diagnosed(): void;
  /** Objects whose status could not be written when it was tried last. */
  readonly failing: number;
}

export interface StatusWriterOptions {
  readonly client: Pick<KubernetesClient, "patch">;
  readonly leadership: Pick<Leadership, "onLeading">;
  readonly model: Pick<MergedModel, "entries">;
  readonly settings: () => StatusSettings;
  /** What is wrong, once what has changed has been translated. */
  readonly diagnostics: () => Promise<readonly Diagnostic[]>;
  readonly log: AgentLog;
}

export function startStatusWriter(options: StatusWriterOptions): StatusWriter {
  const { client, leadership, model, settings, diagnostics, log } = options;
  const observed = new Map<string, ObservedObject>();
  let changed: ((changes: readonly Change[]) => void) | undefined;
  let dirty = Promise.withResolvers<void>();
  let failing = 0;
  /** Versions of objects for which the server does not take a status: asking again is in vain. */
  const vain = new Map<string, string>();
  const wake = () => dirty.resolve();

  /** False where the server is to be given a rest. */
  const write = async (change: StatusChange, signal: AbortSignal): Promise<boolean> => {
    const { key, object, status } = change;
    const { place, name, resourceVersion } = object;
    const gone = Object.keys(object.status).filter((field) => !(field in status));
    const merge = {
      // Another one's write in between makes this one a conflict, so that none of theirs is lost.
      metadata: { resourceVersion },
      status: { ...Object.fromEntries(gone.map((field) => [field, null])), ...status },
    };
    try {
      const after = await client.patch(place, name, { merge }, { subresource: "status" }, signal);
      const version = after.metadata.resourceVersion ?? "";
      // The watch says so too, a little later; until then nothing is written twice.
      if (observed.get(key) === object)
        observed.set(key, { ...object, status, resourceVersion: version });
      return true;
    } catch (error) {
      if (signal.aborted) return true;
      const failure = ApiFailure.of(error);
      // Somebody else wrote it, or took it away: the watch brings what it is now.
      if (failure.conflict) return true;
      // A kind without a status, or what is none to this server: so it will be until the object is another one.
      if (failure.missing || failure.invalid) vain.set(key, resourceVersion);
      if (failure.missing) return true;
      failing++;
      const { message } = failure;
      log.warn("HDL7272: the status of an object could not be written", { key, error: message });
      return failure.invalid;
    }
  };
  const writeAll = async (changes: readonly StatusChange[], signal: AbortSignal) => {
    const queue = changes.values();
    let goes = true;
    const one = async () => {
      for (const change of queue) {
        if (signal.aborted || !goes) return;
        const began = performance.now();
        goes = (await write(change, signal)) && goes;
        const left = (TOGETHER * 1000) / RATE - (performance.now() - began);
        if (left > 0) await sleep(left, undefined, { signal }).catch(() => {});
      }
    };
    await Promise.all(Array.from({ length: TOGETHER }, one));
    return goes;
  };

  leadership.onLeading("statuses", async (signal) => {
    const objects = function* () {
      for (const [, , object] of model.entries()) yield object;
    };
    let inForce = settings();
    let wanted = createWantedStatuses(objects(), inForce);
    changed = (changes) => {
      if (wanted.changed(changes)) wake();
    };
    const ended = new Promise<void>((resolve) =>
      signal.addEventListener("abort", () => resolve(), { once: true }),
    );
    let again: number = AGAIN.first;
    wake();
    try {
      while (!signal.aborted) {
        await Promise.race([dirty.promise, ended]);
        await sleep(GATHER, undefined, { signal }).catch(() => {});
        if (signal.aborted) return;
        dirty = Promise.withResolvers();
        const began = performance.now();
        if (!isSame(inForce, settings())) {
          inForce = settings();
          wanted = createWantedStatuses(objects(), inForce);
        }
        const all = await wanted.look(observed, await diagnostics());
        const changes = all.filter(({ key, object }) => vain.get(key) !== object.resourceVersion);
        const took = performance.now() - began;
        failing = 0;
        const goes = await writeAll(changes, signal);
        again = goes ? AGAIN.first : Math.min(again * 2, AGAIN.most);
        if (!goes) wake();
        const rest = goes ? took * REST : again * (0.5 + Math.random() / 2);
        await sleep(rest, undefined, { signal }).catch(() => {});
      }
    } finally {
      changed = undefined;
    }
  });
  return {
    observed(seen) {
      for (const [key, object] of seen)
        if (object) observed.set(key, object);
        else {
          observed.delete(key);
          vain.delete(key);
        }
      wake();
    },
    changed: (changes) => changed?.(changes),
    diagnosed: wake,
    get failing() {
      return failing;
    },
  };
}

function isSame(a: StatusSettings, b: StatusSettings): boolean {
  return a.rootNamespace === b.rootNamespace && a.clusterDomain === b.clusterDomain;
}
