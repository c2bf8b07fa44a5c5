/** The reference that ties a row to a mesh of its own tenant: a foreign key alone would see past row-level security. */
import { foreignKey, type AnyPgColumn } from "drizzle-orm/pg-core";
import { meshes } from "./tenancy.ts";

/** `(mesh_id, tenant_id)` must be a mesh and its tenant; the row goes when the mesh goes. */
export function meshReference(table: string, t: { meshId: AnyPgColumn; tenantId: AnyPgColumn }) {
  return foreignKey({
    name: `${table}_mesh`,
    columns: [t.meshId, t.tenantId],
    foreignColumns: [meshes.id, meshes.tenantId],
  }).onDelete("cascade");
}
