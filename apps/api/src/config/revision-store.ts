/** Revisions as rows: writing one whole, and reading history. */
import {
  and,
  asc,
  desc,
  eq,
  gt,
  lt,
  lte,
  meshes,
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

/** Writes the revision, its changes, the objects as they are after it, and the mesh's head. The caller holds the mesh's lock. */
export async function writeRevision(tx: Tx, mesh: MeshRef, revision: NewRevision): Promise<void> {
  const { header, signed, changes } = revision;
  await tx.insert(revisions).values({
    meshId: mesh.id,
    tenantId: mesh.tenant,
    number: header.number,
    parent: header.parent,
    createdAt: new Date(header.time),
    author: revision.author,
    message: revision.message,
    stateRoot: header.stateRoot,
    parentHash: header.parentHash,
    hash: signed.hash,
    signature: signed.signature,
    keyId: signed.keyId,
    rollbackOf: revision.rollbackOf,
  });
  const written = changes.filter((change) => change.after !== null);
  const deleted = changes.filter((change) => change.after === null);
  // One parameter however many objects: a statement has room for 65,535.
  await tx.execute(sql`
    insert into revision_changes (mesh_id, tenant_id, number, key, action, before, after, before_hash, after_hash, owner)
    select ${mesh.id}::uuid, ${mesh.tenant}::uuid, ${header.number}::integer, c.key, c.action, nullif(c.before, 'null'::jsonb), nullif(c.after, 'null'::jsonb), c."beforeHash", c."afterHash", c.owner
    from jsonb_to_recordset(${JSON.stringify(changes)}::text::jsonb)
      as c(key text, action text, before jsonb, after jsonb, "beforeHash" text, "afterHash" text, owner text)`);
  if (written.length > 0)
    await tx.execute(sql`
      insert into objects (mesh_id, tenant_id, key, "group", kind, namespace, name, document, hash, owner, revision)
      select ${mesh.id}::uuid, ${mesh.tenant}::uuid, o.key, split_part(o.key, '/', 1), split_part(o.key, '/', 2), split_part(o.key, '/', 3), split_part(o.key, '/', 4), o.after, o."afterHash", o.owner, ${header.number}::integer
      from jsonb_to_recordset(${JSON.stringify(written)}::text::jsonb) as o(key text, after jsonb, "afterHash" text, owner text)
      on conflict (mesh_id, key) do update
        set document = excluded.document, hash = excluded.hash, owner = excluded.owner, revision = excluded.revision`);
  if (deleted.length > 0)
    await tx.execute(sql`
      delete from objects where mesh_id = ${mesh.id}::uuid
        and key in (select jsonb_array_elements_text(${JSON.stringify(deleted.map(({ key }) => key))}::text::jsonb))`);
  await tx
    .update(meshes)
    .set({ revision: header.number, stateRoot: header.stateRoot, headHash: signed.hash })
    .where(eq(meshes.id, mesh.id));
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
