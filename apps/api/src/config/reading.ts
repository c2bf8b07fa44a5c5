/** What a read is answered from: the mesh's state, and what its clusters report. */
import type { MeshRecord } from "../deps.ts";
import { problem } from "../http/problem.ts";
import { lockMeshShared } from "../tenancy/mesh-store.ts";
import type { ApplyContext } from "./apply.ts";
import type { ClusterView } from "./cluster-view.ts";
import type { MeshState } from "./state.ts";

export interface Reading {
  readonly state: MeshState;
  readonly cluster: ClusterView;
}

/** The mesh as middleware found it, or newer. */
export function read({ deps, states, clusters }: ApplyContext, mesh: MeshRecord): Promise<Reading> {
  return deps.db.withTenant(mesh.tenant, async (tx) => {
    const state =
      states.kept(mesh) ?? (await states.read(tx, present(await lockMeshShared(tx, mesh))));
    return { state, cluster: await clusters(tx, mesh) };
  });
}

function present(mesh: MeshRecord | undefined): MeshRecord {
  if (!mesh) throw problem("HDL1020", "The mesh was deleted meanwhile.");
  return mesh;
}
