/** State that replicas share: the leader keeps it in the cluster, and a replica whose directory is empty begins with it. */
import { setTimeout as sleep } from "node:timers/promises";
import { ApiFailure } from "../kubernetes/api-failure.ts";
import type { Leadership } from "../kubernetes/leader.ts";
import { SEVERED } from "../identity/severed.ts";
import { KEPT_FEDERATIONS } from "../federation/index.ts";
import { KEPT_KEYS } from "../jwks/index.ts";
import type { AgentLog } from "../log.ts";
import type { ClusterStateStore, StateFiles } from "./cluster-state.ts";
import { meshOfMembership } from "./enrollment.ts";
import type { StateDirectory } from "./state-directory.ts";

/** What a replica needs to serve what was served before, without the plane. */
const MEMBERSHIP = "membership.json";
const KEPT = [
  ...["intermediate.json", "snapshot.json", "journal.ndjson", "held.json"],
  ...[KEPT_KEYS, KEPT_FEDERATIONS, MEMBERSHIP, SEVERED],
];
/** Changes of a burst are written together, milliseconds. */
const GATHER = 1_000;
/** Between writes at least, milliseconds: the whole is written each time. */
const REST = 5_000;
/** Where it cannot be written or read it is tried again after so long, milliseconds, and twice that each time. */
const AGAIN = { first: 1_000, most: 60_000 };

export interface SharedState {
  /** The directory; what is written into it is written to the cluster a little later. */
  readonly directory: StateDirectory;
  /** The mesh's revision that is in force. */
  applied(revision: number): void;
  /**
   * Takes the cluster's membership, and of the other files those that are not here. With `wait` it tries until the API server
   * answers. False where nothing is kept.
   */
  restore(wait: boolean): Promise<boolean>;
  /** Writes now what is to be written; failures are told in the log. */
  save(signal?: AbortSignal): Promise<boolean>;
  /** The last word of a leader that ends. */
  close(): Promise<void>;
}

export function shareState(
  disk: StateDirectory,
  store: ClusterStateStore,
  leadership: Pick<Leadership, "isLeader" | "onLeading">,
  log: AgentLog,
): SharedState {
  let revision = 0;
  let isDirty = true;
  let dirty = Promise.withResolvers<void>();
  dirty.resolve();
  const note = (name: string) => {
    if (!KEPT.includes(name)) return;
    isDirty = true;
    dirty.resolve();
  };
  const after = async (name: string, work: Promise<void>) => {
    await work;
    note(name);
  };
  const directory: StateDirectory = {
    ...disk,
    write: (name, text) => after(name, disk.write(name, text)),
    append: (name, text) => after(name, disk.append(name, text)),
    remove: (name) => after(name, disk.remove(name)),
  };
  const save = async (signal?: AbortSignal): Promise<boolean> => {
    dirty = Promise.withResolvers();
    isDirty = false;
    const files = await filesOf(disk);
    const mesh = meshOfMembership(files[MEMBERSHIP]);
    if (mesh === undefined) return true;
    try {
      const kept = await store.write({ files, mesh, revision }, signal);
      if (!kept)
        log.info("the cluster keeps a newer state than this replica has yet", { revision });
      return true;
    } catch (error) {
      isDirty = true;
      if (signal?.aborted) return false;
      const { message } = ApiFailure.of(error);
      log.warn("HDL7273: the state could not be kept in the cluster", { error: message });
      return false;
    }
  };
  leadership.onLeading("state", async (signal) => {
    const ended = new Promise<void>((resolve) =>
      signal.addEventListener("abort", () => resolve(), { once: true }),
    );
    // What another leader has kept is another's: of the same revision or an older one, this one's takes its place.
    dirty.resolve();
    let again: number = AGAIN.first;
    while (!signal.aborted) {
      await Promise.race([dirty.promise, ended]);
      await sleep(GATHER, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const went = await save(signal);
      if (!went) dirty.resolve();
      again = went ? AGAIN.first : Math.min(again * 2, AGAIN.most);
      const rest = went ? REST : again * (0.5 + Math.random() / 2);
      await sleep(rest, undefined, { signal }).catch(() => {});
    }
  });
  const read = async (wait: boolean) => {
    for (let pause: number = AGAIN.first; ; pause = Math.min(pause * 2, AGAIN.most)) {
      try {
        return await store.read();
      } catch (error) {
        const failure = ApiFailure.of(error);
        const fields = { error: failure.message };
        log.warn("HDL7273: the state that the cluster keeps cannot be read", fields);
        if (!wait || !failure.unavailable) return undefined;
        await sleep(pause * (0.5 + Math.random() / 2));
      }
    }
  };
  return {
    directory,
    applied(number) {
      revision = number;
    },
    save,
    async restore(wait) {
      const kept = await read(wait);
      if (!kept) return false;
      const own = await disk.read(MEMBERSHIP);
      const isOther = meshOfMembership(own) !== kept.mesh;
      for (const name of KEPT) {
        const text = kept.files[name];
        if (text === undefined) {
          // A journal of another mesh's snapshot, for example.
          if (isOther) await disk.remove(name);
          continue;
        }
        const isHere = name === MEMBERSHIP ? own === text : (await disk.read(name)) !== undefined;
        if (isOther || !isHere) await disk.write(name, text);
      }
      if (isOther) log.info("the state was taken from the cluster", { revision: kept.revision });
      return true;
    },
    async close() {
      if (isDirty && leadership.isLeader) await save(AbortSignal.timeout(REST));
    },
  };
}

async function filesOf(disk: StateDirectory): Promise<StateFiles> {
  const files: Record<string, string> = {};
  for (const name of KEPT) {
    const text = await disk.read(name);
    if (text !== undefined) files[name] = text;
  }
  return files;
}
