/** Checks a mesh's whole history: every link, every state root, every signature, and that the objects are what history says. */
import { headerHash, NO_PARENT, objectHash, stateRoot, type RevisionHeader } from "@heddle/sync";
import { asc, eq, meshes, objects, revisionChanges, revisions, type Tx } from "@heddle/db";
import type { MeshRef } from "../deps.ts";
import { EMPTY_STATE_ROOT } from "../tenancy/mesh-store.ts";

export interface ChainReport {
  readonly revisions: number;
  readonly objects: number;
  /** What does not hold; empty for a sound chain. */
  readonly faults: readonly string[];
}

/** `verify` answers whether a signature is the mesh's own key's; without it, signatures are not looked at. */
export async function verifyChain(
  tx: Tx,
  mesh: MeshRef,
  verify?: (header: RevisionHeader, signature: string, keyId: string) => Promise<boolean>,
): Promise<ChainReport> {
  const faults: string[] = [];
  const [head] = await tx.select().from(meshes).where(eq(meshes.id, mesh.id));
  const chain = await tx
    .select()
    .from(revisions)
    .where(eq(revisions.meshId, mesh.id))
    .orderBy(asc(revisions.number));
  const changes = await tx
    .select()
    .from(revisionChanges)
    .where(eq(revisionChanges.meshId, mesh.id))
    .orderBy(asc(revisionChanges.number), asc(revisionChanges.key));
  const state = new Map<string, string>();
  let parentHash = NO_PARENT;
  let root = EMPTY_STATE_ROOT;
  let at = 0;
  for (const [index, row] of chain.entries()) {
    const fault = (text: string) => faults.push(`revision ${row.number}: ${text}`);
    if (row.number !== index + 1 || row.parent !== index)
      fault(`follows ${row.parent}, expected ${index}`);
    if (row.parentHash !== parentHash) fault("names another parent's hash");
    for (; changes[at]?.number === row.number; at++) {
      const change = changes[at];
      if (!change) break;
      if ((state.get(change.key) ?? null) !== change.beforeHash)
        fault(`${change.key} was another before`);
      if (change.after !== null && (await objectHash(change.after)) !== change.afterHash)
        fault(`${change.key} has another hash than its document`);
      if (change.afterHash === null) state.delete(change.key);
      else state.set(change.key, change.afterHash);
    }
    root = await stateRoot(state);
    if (root !== row.stateRoot) fault("signs another state than its changes make");
    const header: RevisionHeader = {
      mesh: mesh.id,
      number: row.number,
      parent: row.parent,
      parentHash: row.parentHash,
      time: row.createdAt.toISOString(),
      stateRoot: row.stateRoot,
    };
    if ((await headerHash(header)) !== row.hash) fault("its hash is not its header's");
    if (verify && !(await verify(header, row.signature, row.keyId)))
      fault("its signature is not the mesh's");
    parentHash = row.hash;
  }
  if (at !== changes.length) faults.push(`${changes.length - at} changes belong to no revision`);
  const current = await tx.select().from(objects).where(eq(objects.meshId, mesh.id));
  for (const row of current) {
    if (state.get(row.key) !== row.hash) faults.push(`object ${row.key} is not what history says`);
    if ((await objectHash(row.document)) !== row.hash)
      faults.push(`object ${row.key} has another hash than its document`);
  }
  if (current.length !== state.size)
    faults.push(`there are ${current.length} objects, history says ${state.size}`);
  if (!head) faults.push("the mesh is not there");
  else if (
    head.revision !== chain.length ||
    head.stateRoot !== root ||
    (head.headHash || NO_PARENT) !== parentHash
  )
    faults.push(`the mesh's head is revision ${head.revision}, history ends at ${chain.length}`);
  return { revisions: chain.length, objects: current.length, faults };
}
