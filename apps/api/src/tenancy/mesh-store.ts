/** Meshes of a tenant, as rows. */
import { and, asc, eq, gt, meshes, or, sql, type Database, type Tx } from "@heddle/db";
import type { MeshRecord, MeshRef } from "../deps.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** SHA-256 of nothing: the state root of a mesh without objects. */
export const EMPTY_STATE_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** One mesh by name or id, of this tenant only. */
export function findMesh(
  db: Database,
  tenant: string,
  nameOrId: string,
): Promise<MeshRecord | undefined> {
  return db.withTenant(tenant, async (tx) => {
    const found = await tx
      .select()
      .from(meshes)
      .where(
        UUID.test(nameOrId)
          ? or(eq(meshes.id, nameOrId), eq(meshes.name, nameOrId))
          : eq(meshes.name, nameOrId),
      );
    const row = found.find((mesh) => mesh.id === nameOrId) ?? found[0];
    return row && meshRecord(row);
  });
}

/** Locks the mesh's row until the transaction ends: whoever holds it makes the next revision. */
export async function lockMesh(tx: Tx, mesh: MeshRef): Promise<MeshRecord | undefined> {
  const [row] = await tx.select().from(meshes).where(eq(meshes.id, mesh.id)).for("update");
  return row && meshRecord(row);
}

/** Keeps the mesh's head from moving until the transaction ends, so that several reads see one revision. */
export async function lockMeshShared(tx: Tx, mesh: MeshRef): Promise<MeshRecord | undefined> {
  const [row] = await tx.select().from(meshes).where(eq(meshes.id, mesh.id)).for("share");
  return row && meshRecord(row);
}

export async function listMeshes(
  tx: Tx,
  page: { after: string | undefined; limit: number; only: readonly string[] | undefined },
): Promise<MeshRecord[]> {
  const rows = await tx
    .select()
    .from(meshes)
    .where(
      and(
        page.after === undefined ? undefined : gt(meshes.name, page.after),
        page.only === undefined
          ? undefined
          : sql`${meshes.id} = any(${`{${page.only.join(",")}}`}::uuid[])`,
      ),
    )
    .orderBy(asc(meshes.name))
    .limit(page.limit);
  return rows.map(meshRecord);
}

/** Undefined where the tenant has a mesh of that name. */
export async function insertMesh(
  tx: Tx,
  mesh: Pick<MeshRecord, "id" | "tenant" | "name" | "trustDomain" | "settings" | "createdAt">,
): Promise<MeshRecord | undefined> {
  const [row] = await tx
    .insert(meshes)
    .values({ ...mesh, tenantId: mesh.tenant, stateRoot: EMPTY_STATE_ROOT })
    .onConflictDoNothing({ target: [meshes.tenantId, meshes.name] })
    .returning();
  return row && meshRecord(row);
}

export async function updateMeshSettings(
  tx: Tx,
  mesh: MeshRef,
  settings: MeshRecord["settings"],
): Promise<void> {
  await tx.update(meshes).set({ settings }).where(eq(meshes.id, mesh.id));
}

export async function deleteMesh(tx: Tx, mesh: MeshRef): Promise<void> {
  await tx.delete(meshes).where(eq(meshes.id, mesh.id));
}

function meshRecord(row: typeof meshes.$inferSelect): MeshRecord {
  const { tenantId, ...rest } = row;
  return { ...rest, tenant: tenantId };
}
