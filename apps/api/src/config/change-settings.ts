/** Changing a mesh's settings: they are an object of its configuration, signed and kept in history as any other. */
import type { StoredMeshSettings } from "@heddle/db";
import { MESH_SETTINGS_API, MESH_SETTINGS_NAME } from "@heddle/model";
import type { MeshRecord } from "../deps.ts";
import { problem, ProblemError } from "../http/problem.ts";
import { findMesh } from "../tenancy/mesh-store.ts";
import { apply, type ApplyContext } from "./apply.ts";

/** Tries against other writers, each of which makes a revision between reading the settings and writing them. */
const TRIES = 5;

/** Only the settings that are named change; nothing is written where they are so already. Answers with the mesh as it is then. */
export async function changeSettings(
  context: ApplyContext,
  mesh: MeshRecord,
  settings: StoredMeshSettings,
  author: string,
): Promise<MeshRecord> {
  let now = mesh;
  for (let attempt = 1; ; attempt++) {
    const document = {
      apiVersion: MESH_SETTINGS_API,
      kind: "MeshSettings",
      metadata: { name: MESH_SETTINGS_NAME },
      spec: { ...now.settings, ...settings },
    };
    const request = { objects: [document], ifRevision: now.revision, message: "Settings" };
    try {
      await apply(context, now, request, { author });
      return await newest(context, mesh);
    } catch (error) {
      if (!(error instanceof ProblemError && error.code === "HDL1031") || attempt === TRIES)
        throw error;
      now = await newest(context, mesh);
    }
  }
}

async function newest({ deps }: ApplyContext, mesh: MeshRecord): Promise<MeshRecord> {
  const found = await findMesh(deps.db, mesh.tenant, mesh.id);
  if (!found) throw problem("HDL1020", "The mesh was deleted meanwhile.");
  return found;
}
