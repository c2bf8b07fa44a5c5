/** Reads the state of meshes, and keeps what it read: only what changed since is asked of the database. */
import { and, eq, gt, objects, revisionChanges, type Tx } from "@heddle/db";
import type { MeshRecord } from "../deps.ts";
import { stateEntry, type Document, type MeshState, type StateEntry } from "./state.ts";

export interface StateStore {
  /** The state after the revision in `mesh`, which must have been read in this transaction under a lock, or be known to be committed. */
  read(tx: Tx, mesh: MeshRecord): Promise<MeshState>;
  /** What is kept for exactly this revision. */
  kept(mesh: Pick<MeshRecord, "id" | "revision" | "headHash">): MeshState | undefined;
  /** Keeps a state that has been committed. */
  keep(meshId: string, state: MeshState): void;
}

/** `limit` is the number of objects kept over all meshes; the mesh that was longest unused goes first. */
export function createStateStore(limit: number): StateStore {
  const states = new Map<string, MeshState>();
  let size = 0;

  const drop = (id: string) => {
    size -= states.get(id)?.entries.size ?? 0;
    states.delete(id);
  };
  const store: StateStore = {
    kept({ id, revision, headHash }) {
      const state = states.get(id);
      if (!state || state.revision !== revision || state.headHash !== headHash) return undefined;
      states.delete(id);
      states.set(id, state);
      return state;
    },
    keep(id, state) {
      const known = states.get(id);
      if (known && known.revision > state.revision) return;
      drop(id);
      states.set(id, state);
      size += state.entries.size;
      for (const oldest of states.keys()) {
        if (size <= limit || oldest === id) break;
        drop(oldest);
      }
    },
    async read(tx, mesh) {
      const exact = store.kept(mesh);
      if (exact) return exact;
      const older = states.get(mesh.id);
      const state =
        older && older.revision < mesh.revision
          ? await catchUp(tx, mesh, older)
          : { ...headOf(mesh), entries: await loadEntries(tx, mesh, 0) };
      store.keep(mesh.id, state);
      return state;
    },
  };
  return store;
}

const headOf = ({ revision, headHash }: MeshRecord) => ({ revision, headHash });

async function loadEntries(
  tx: Tx,
  mesh: MeshRecord,
  since: number,
): Promise<Map<string, StateEntry>> {
  const rows = await tx
    .select({
      key: objects.key,
      document: objects.document,
      hash: objects.hash,
      owner: objects.owner,
      revision: objects.revision,
    })
    .from(objects)
    .where(and(eq(objects.meshId, mesh.id), gt(objects.revision, since)));
  return new Map(
    rows.map((row) => [row.key, stateEntry({ ...row, document: row.document as Document })]),
  );
}

/** Another process has written since: what changed, and what is gone. */
async function catchUp(tx: Tx, mesh: MeshRecord, older: MeshState): Promise<MeshState> {
  const changed = await loadEntries(tx, mesh, older.revision);
  const deleted = await tx
    .selectDistinct({ key: revisionChanges.key })
    .from(revisionChanges)
    .where(
      and(
        eq(revisionChanges.meshId, mesh.id),
        gt(revisionChanges.number, older.revision),
        eq(revisionChanges.action, "deleted"),
      ),
    );
  const entries = new Map(older.entries);
  for (const { key } of deleted) entries.delete(key);
  for (const [key, entry] of changed) entries.set(key, entry);
  return { ...headOf(mesh), entries };
}
