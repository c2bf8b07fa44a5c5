/** Turns what an object set should become into the next revision of its mesh: atomic, hash-chained, signed. */
import { NO_PARENT, stateRoot } from "@heddle/sync";
import type { Tx } from "@heddle/db";
import type { AppDeps, CommittedRevision, MeshRecord, RevisionHeader } from "../deps.ts";
import { writeRevision, type StoredChange } from "./revision-store.ts";
import { mirrorSettings } from "./settings-object.ts";
import { stateEntry, type MeshState, type StateEntry } from "./state.ts";

/** An object's next value, or null to delete it. */
export type Wanted = Pick<StateEntry, "document" | "hash" | "owner"> | null;

export interface Commit {
  readonly before: MeshState;
  readonly state: MeshState;
  readonly revision: CommittedRevision;
}

/** What differs between a state and what is wanted of some of its keys, by key. */
export function changesTo(state: MeshState, wanted: ReadonlyMap<string, Wanted>): StoredChange[] {
  const changes: StoredChange[] = [];
  for (const [key, next] of wanted) {
    const now = state.entries.get(key);
    if (next === null ? !now : now?.hash === next.hash) continue;
    changes.push({
      key,
      action: next === null ? "deleted" : now ? "configured" : "created",
      before: now?.document ?? null,
      after: next?.document ?? null,
      beforeHash: now?.hash ?? null,
      afterHash: next?.hash ?? null,
      owner: next?.owner ?? now?.owner ?? "",
    });
  }
  return changes.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

/** The state after these changes, as revision `number`. */
export function stateAfter(
  state: MeshState,
  changes: readonly StoredChange[],
  number: number,
): MeshState {
  const entries = new Map(state.entries);
  for (const { key, after, afterHash, owner } of changes) {
    if (after === null || afterHash === null) entries.delete(key);
    else
      entries.set(
        key,
        stateEntry({ key, document: after, hash: afterHash, owner, revision: number }),
      );
  }
  return { revision: number, headHash: "", entries };
}

/** Writes the next revision. The caller holds the mesh's lock and ends the transaction. `next` is `stateAfter` the changes. */
export async function commitRevision(
  deps: AppDeps,
  tx: Tx,
  mesh: MeshRecord,
  what: {
    readonly changes: readonly StoredChange[];
    readonly before: MeshState;
    readonly next: MeshState;
    readonly author: string;
    readonly message: string;
    readonly rollbackOf?: number;
  },
): Promise<Commit> {
  const header: RevisionHeader = {
    mesh: mesh.id,
    number: mesh.revision + 1,
    parent: mesh.revision,
    parentHash: mesh.headHash || NO_PARENT,
    time: new Date(deps.clock()).toISOString(),
    stateRoot: await stateRoot(hashesOf(what.next)),
  };
  const signed = await deps.signer.sign(tx, mesh, header);
  await writeRevision(tx, mesh, {
    header,
    signed,
    author: what.author,
    message: what.message,
    rollbackOf: what.rollbackOf ?? null,
    changes: what.changes,
  });
  await mirrorSettings(tx, mesh, what.changes);
  return {
    before: what.before,
    state: { ...what.next, headHash: signed.hash },
    revision: {
      ...header,
      ...signed,
      changes: what.changes.map(({ key, action, beforeHash, after, afterHash }) => ({
        key,
        action,
        before: beforeHash,
        document: after,
        hash: afterHash,
      })),
    },
  };
}

function* hashesOf(state: MeshState): Generator<[string, string]> {
  for (const { key, hash } of state.entries.values()) yield [key, hash];
}

/** Tells the mesh's agents. They would catch up without it, so a failure here is not the writer's. */
export async function announce(
  deps: AppDeps,
  mesh: MeshRecord,
  revision: CommittedRevision,
): Promise<void> {
  try {
    await deps.rooms.room(mesh).publish(revision);
  } catch (error) {
    deps.log.error("a committed revision could not be announced", {
      mesh: mesh.id,
      revision: revision.number,
      error: String(error),
    });
  }
}
