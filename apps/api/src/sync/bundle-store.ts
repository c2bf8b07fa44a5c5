/** Bundles by hash: kept in memory while they are new, in the database for as long as agents may ask. */
import {
  and,
  asc,
  bundles,
  eq,
  gt,
  inArray,
  lt,
  lte,
  meshes,
  ne,
  objects,
  revisionChanges,
  revisions,
  type Tx,
} from "@heddle/db";
import type { Head, RevisionHeader } from "@heddle/sync";
import type { AppDeps, MeshRef } from "../deps.ts";
import { lockMesh } from "../tenancy/mesh-store.ts";
import {
  type BundleChange,
  changeBundle,
  type MadeBundle,
  snapshotBundle,
} from "./change-bundle.ts";

/** A longer way than this many revisions is cheaper as a snapshot. */
const LONGEST_CHAIN = 20;
/** Change bundles kept in the database behind the newest revision; older ones are made again when asked for. */
const KEPT_CHANGES = 100;
/** Characters of bundles kept in memory. */
const MEMORY_CHARACTERS = 32 * 1024 * 1024;

export interface BundleStore {
  /** Keeps a bundle. In memory at once; resolves when it is in the database too. */
  put(mesh: MeshRef, bundle: MadeBundle): Promise<void>;
  /** A bundle's text; undefined where none of these meshes has it. */
  get(tenant: string, meshIds: readonly string[], hash: string): Promise<string | undefined>;
  /** The heads that lead from a revision to the newest: a chain of changes, or one snapshot. Their bundles are kept. */
  way(
    mesh: MeshRef,
    from: { number: number; hash: string | undefined; snapshot: boolean },
  ): Promise<Head[]>;
  /** Head and bundle of the newest revision; undefined before the first. */
  newest(mesh: MeshRef): Promise<MadeBundle | undefined>;
}

export function createBundleStore({ db, clock }: Pick<AppDeps, "db" | "clock">): BundleStore {
  const memory = new Map<string, { mesh: string; text: string }>();
  let characters = 0;
  const remember = (mesh: MeshRef, { head, text }: MadeBundle) => {
    if (memory.has(head.bundle)) return;
    memory.set(head.bundle, { mesh: mesh.id, text });
    characters += text.length;
    for (const [hash, oldest] of memory) {
      if (characters <= MEMORY_CHARACTERS || memory.size === 1) break;
      memory.delete(hash);
      characters -= oldest.text.length;
    }
  };
  const keep = async (tx: Tx, mesh: MeshRef, made: readonly MadeBundle[]) => {
    for (const { head, text } of made)
      await tx
        .insert(bundles)
        .values({
          meshId: mesh.id,
          tenantId: mesh.tenant,
          hash: head.bundle,
          kind: head.kind,
          number: head.number,
          content: text,
          createdAt: new Date(clock()),
        })
        .onConflictDoNothing();
    const last = made.at(-1)?.head;
    if (!last) return;
    // An agent that learned of an older snapshot and lost it asks for the way again.
    const old =
      last.kind === "snapshot"
        ? and(
            eq(bundles.kind, "snapshot"),
            ne(bundles.hash, last.bundle),
            lt(bundles.number, last.number - 1),
          )
        : and(eq(bundles.kind, "change"), lt(bundles.number, last.number - KEPT_CHANGES));
    await tx.delete(bundles).where(and(eq(bundles.meshId, mesh.id), old));
  };
  return {
    async put(mesh, bundle) {
      remember(mesh, bundle);
      await db.withTenant(mesh.tenant, (tx) => keep(tx, mesh, [bundle]));
    },
    async get(tenant, meshIds, hash) {
      const known = memory.get(hash);
      if (known && meshIds.includes(known.mesh)) return known.text;
      const [row] = await db.withTenant(tenant, (tx) =>
        tx
          .select({ content: bundles.content })
          .from(bundles)
          .where(and(eq(bundles.hash, hash), inArray(bundles.meshId, [...meshIds]))),
      );
      return row?.content;
    },
    async way(mesh, from) {
      const made = await db.withTenant(mesh.tenant, async (tx) => {
        const way =
          (from.snapshot ? undefined : await chain(tx, mesh, from)) ?? (await snapshot(tx, mesh));
        await keep(tx, mesh, way);
        return way;
      });
      for (const bundle of made) remember(mesh, bundle);
      return made.map(({ head }) => head);
    },
    async newest(mesh) {
      return db.withTenant(mesh.tenant, async (tx) => {
        const [row] = await tx
          .select({ revision: meshes.revision })
          .from(meshes)
          .where(eq(meshes.id, mesh.id));
        if (!row || row.revision === 0) return undefined;
        return (await changesOf(tx, mesh, row.revision - 1, row.revision))[0];
      });
    },
  };
}

/** Undefined where a chain does not lead there: too long, pruned, or from another history. */
async function chain(
  tx: Tx,
  mesh: MeshRef,
  from: { number: number; hash: string | undefined },
): Promise<MadeBundle[] | undefined> {
  const [row] = await tx
    .select({ revision: meshes.revision })
    .from(meshes)
    .where(eq(meshes.id, mesh.id));
  const newest = row?.revision ?? 0;
  if (newest <= from.number) return newest === from.number ? [] : undefined;
  if (newest - from.number > LONGEST_CHAIN) return undefined;
  const made = await changesOf(tx, mesh, from.number, newest);
  if (made.length !== newest - from.number) return undefined;
  if (from.number > 0 && made[0]?.head.parentHash !== from.hash) return undefined;
  return made;
}

async function changesOf(
  tx: Tx,
  mesh: MeshRef,
  after: number,
  upTo: number,
): Promise<MadeBundle[]> {
  const rows = await tx
    .select()
    .from(revisions)
    .where(
      and(eq(revisions.meshId, mesh.id), gt(revisions.number, after), lte(revisions.number, upTo)),
    )
    .orderBy(asc(revisions.number));
  const changes = await tx
    .select({
      number: revisionChanges.number,
      key: revisionChanges.key,
      before: revisionChanges.beforeHash,
      document: revisionChanges.after,
    })
    .from(revisionChanges)
    .where(
      and(
        eq(revisionChanges.meshId, mesh.id),
        gt(revisionChanges.number, after),
        lte(revisionChanges.number, upTo),
      ),
    );
  const byNumber = Map.groupBy(changes, ({ number }) => number);
  return Promise.all(
    rows.map((row) =>
      changeBundle(
        headerOf(row),
        row.signature,
        (byNumber.get(row.number) ?? []) as unknown as BundleChange[],
      ),
    ),
  );
}

/** Everything after the newest revision; no bundle before the first. */
async function snapshot(tx: Tx, mesh: MeshRef): Promise<MadeBundle[]> {
  // Under the mesh's lock, or a revision could come between its row and its objects.
  const record = await lockMesh(tx, mesh);
  if (!record || record.revision === 0) return [];
  const [row] = await tx
    .select()
    .from(revisions)
    .where(and(eq(revisions.meshId, mesh.id), eq(revisions.number, record.revision)));
  if (!row) return [];
  const all = await tx
    .select({ key: objects.key, document: objects.document })
    .from(objects)
    .where(eq(objects.meshId, mesh.id));
  return [
    await snapshotBundle(
      headerOf(row),
      row.signature,
      all as { key: string; document: Record<string, unknown> }[],
    ),
  ];
}

function headerOf(row: typeof revisions.$inferSelect): RevisionHeader {
  return {
    mesh: row.meshId,
    number: row.number,
    parent: row.parent,
    parentHash: row.parentHash,
    time: row.createdAt.toISOString(),
    stateRoot: row.stateRoot,
  };
}
