/** Revisions as rows: writing one whole, and reading history. */
import {
  and,
  asc,
  desc,
  eq,
  gt,
  lt,
  lte,
  inArray,
  revisionChanges,
  revisions,
  sql,
  type Tx,
} from "@heddle/db";
import type { MeshRef, RevisionHeader, SignedHeader } from "../deps.ts";
import type { Document } from "./state.ts";

export interface StoredChange {
  readonly key: string;
  readonly action: "created" | "configured" | "deleted";
  readonly before: Document | null;
  readonly after: Document | null;
  readonly beforeHash: string | null;
  readonly afterHash: string | null;
  readonly owner: string;
}

export interface NewRevision {
  readonly header: RevisionHeader;
  readonly signed: SignedHeader;
  readonly author: string;
  readonly message: string;
  readonly rollbackOf: number | null;
  readonly changes: readonly StoredChange[];
}

export type RevisionRow = typeof revisions.$inferSelect;

/**
 * Writes the revision, its changes, the objects as they are after it, and the mesh's head, all in one statement with few
 * parameters, however many objects there are. The caller holds the mesh's lock.
 */
export async function writeRevision(tx: Tx, mesh: MeshRef, revision: NewRevision): Promise<void> {
  const { header, signed, changes } = revision;
  await tx.execute(sql`
    with change as (
      select * from jsonb_to_recordset(${JSON.stringify(changes)}::text::jsonb)
        as c(key text, action text, before jsonb, after jsonb, "beforeHash" text, "afterHash" text, owner text)
    ), revision as (
      insert into revisions (mesh_id, tenant_id, number, parent, created_at, author, message, state_root, parent_hash, hash, signature, key_id, rollback_of)
      values (${mesh.id}::uuid, ${mesh.tenant}::uuid, ${header.number}::integer, ${header.parent}::integer, ${header.time}::timestamptz, ${revision.author}, ${revision.message}, ${header.stateRoot}, ${header.parentHash}, ${signed.hash}, ${signed.signature}, ${signed.keyId}, ${revision.rollbackOf}::integer)
    ), history as (
      insert into revision_changes (mesh_id, tenant_id, number, key, action, before, after, before_hash, after_hash, owner)
      select ${mesh.id}::uuid, ${mesh.tenant}::uuid, ${header.number}::integer, key, action, nullif(before, 'null'::jsonb), nullif(after, 'null'::jsonb), "beforeHash", "afterHash", owner
      from change
    ), written as (
      insert into objects (mesh_id, tenant_id, key, "group", kind, namespace, name, document, hash, owner, revision)
      select ${mesh.id}::uuid, ${mesh.tenant}::uuid, key, split_part(key, '/', 1), split_part(key, '/', 2), split_part(key, '/', 3), split_part(key, '/', 4), after, "afterHash", owner, ${header.number}::integer
      from change where "afterHash" is not null
      on conflict (mesh_id, key) do update
        set document = excluded.document, hash = excluded.hash, owner = excluded.owner, revision = excluded.revision
    ), deleted as (
      delete from objects where mesh_id = ${mesh.id}::uuid and key in (select key from change where "afterHash" is null)
    )
    update meshes set revision = ${header.number}::integer, state_root = ${header.stateRoot}, head_hash = ${signed.hash}
    where id = ${mesh.id}::uuid`);
}

/** Newest first, those below `before`. */
export function listRevisions(
  tx: Tx,
  mesh: MeshRef,
  page: { before: number | undefined; limit: number },
): Promise<RevisionRow[]> {
  return tx
    .select()
    .from(revisions)
    .where(
      and(
        eq(revisions.meshId, mesh.id),
        page.before === undefined ? undefined : lt(revisions.number, page.before),
      ),
    )
    .orderBy(desc(revisions.number))
    .limit(page.limit);
}

export async function findRevision(
  tx: Tx,
  mesh: MeshRef,
  number: number,
): Promise<RevisionRow | undefined> {
  const [row] = await tx
    .select()
    .from(revisions)
    .where(and(eq(revisions.meshId, mesh.id), eq(revisions.number, number)));
  return row;
}

/** What each of some revisions did, without documents. */
export async function actionsOf(
  tx: Tx,
  mesh: MeshRef,
  numbers: readonly number[],
): Promise<Map<number, { key: string; action: StoredChange["action"] }[]>> {
  const found = new Map<number, { key: string; action: StoredChange["action"] }[]>(
    numbers.map((number) => [number, []]),
  );
  if (numbers.length === 0) return found;
  const rows = await tx
    .select({
      number: revisionChanges.number,
      key: revisionChanges.key,
      action: revisionChanges.action,
    })
    .from(revisionChanges)
    .where(and(eq(revisionChanges.meshId, mesh.id), inArray(revisionChanges.number, [...numbers])))
    .orderBy(asc(revisionChanges.key));
  for (const { number, ...change } of rows) found.get(number)?.push(change);
  return found;
}

/** What became of each object after revision `from` and up to `to`: its first value before and its last after. */
export async function netChanges(
  tx: Tx,
  mesh: MeshRef,
  range: { from: number; to: number },
): Promise<StoredChange[]> {
  const rows = await tx
    .select()
    .from(revisionChanges)
    .where(
      and(
        eq(revisionChanges.meshId, mesh.id),
        gt(revisionChanges.number, range.from),
        lte(revisionChanges.number, range.to),
      ),
    )
    .orderBy(asc(revisionChanges.key), asc(revisionChanges.number));
  const net = new Map<string, StoredChange>();
  for (const row of rows) {
    const first = net.get(row.key);
    const before = first ?? row;
    net.set(row.key, {
      key: row.key,
      action:
        row.afterHash === null ? "deleted" : before.beforeHash === null ? "created" : "configured",
      before: before.before as Document | null,
      after: row.after as Document | null,
      beforeHash: before.beforeHash,
      afterHash: row.afterHash,
      owner: row.owner,
    });
  }
  return [...net.values()].filter((change) => change.beforeHash !== change.afterHash);
}
