/** The state that a read is answered from. */
import type { AppDeps, MeshRecord } from "../deps.ts";
import { problem } from "../http/problem.ts";
import { lockMeshShared } from "../tenancy/mesh-store.ts";
import type { ApplyContext } from "./apply.ts";
import type { MeshState } from "./state.ts";

/** The mesh as middleware found it, or newer. */
export async function currentState(
  { deps, states }: ApplyContext,
  mesh: MeshRecord,
): Promise<MeshState> {
  return states.kept(mesh) ?? loadState(deps, states, mesh);
}

function loadState(
  deps: AppDeps,
  states: ApplyContext["states"],
  mesh: MeshRecord,
): Promise<MeshState> {
  return deps.db.withTenant(mesh.tenant, async (tx) => {
    const record = await lockMeshShared(tx, mesh);
    if (!record) throw problem("HDL1020", "The mesh was deleted meanwhile.");
    return states.read(tx, record);
  });
}
