/** The object that a mesh's settings are: what a revision with it means for the mesh's row. */
import type { StoredMeshSettings, Tx } from "@heddle/db";
import { MESH_SETTINGS_KEY } from "@heddle/model";
import type { MeshRef } from "../deps.ts";
import { problem } from "../http/problem.ts";
import { updateMeshSettings } from "../tenancy/mesh-store.ts";
import type { StoredChange } from "./revision-store.ts";

/** Brings the mesh's row in line with a revision. */
export async function mirrorSettings(
  tx: Tx,
  mesh: MeshRef,
  changes: readonly StoredChange[],
): Promise<void> {
  const after = changes.find(({ key }) => key === MESH_SETTINGS_KEY)?.after;
  if (after) await updateMeshSettings(tx, mesh, (after["spec"] ?? {}) as StoredMeshSettings);
}

/** Refuses with HDL1048 to delete the settings: a mesh always has some. */
export function checkSettingsStay(deleted: Iterable<string>): void {
  for (const key of deleted)
    if (key === MESH_SETTINGS_KEY)
      throw problem("HDL1048", "The settings of a mesh can be changed, not deleted.");
}
