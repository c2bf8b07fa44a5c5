/** What a mesh federates with, as rows, and the number of the trust bundle that others follow. */
import {
  and,
  asc,
  bundleSequences,
  eq,
  federations,
  type FederationSource,
  meshes,
  type Tx,
} from "@heddle/db";
import { sha256 } from "@heddle/sync";
import type { MeshRef } from "../deps.ts";
import { lockMesh } from "../tenancy/mesh-store.ts";
import { authorityState, trustBundleOf } from "./authority-store.ts";

export type FederationRow = typeof federations.$inferSelect;
export type { FederationSource };

/** By trust domain. */
export function federationRows(tx: Tx, mesh: MeshRef): Promise<FederationRow[]> {
  return tx
    .select()
    .from(federations)
    .where(eq(federations.meshId, mesh.id))
    .orderBy(asc(federations.trustDomain));
}

export async function federationWith(
  tx: Tx,
  mesh: MeshRef,
  trustDomain: string,
): Promise<FederationRow | undefined> {
  const [row] = await tx
    .select()
    .from(federations)
    .where(and(eq(federations.meshId, mesh.id), eq(federations.trustDomain, trustDomain)));
  return row;
}

/** Undefined where the tenant has no such mesh. */
export async function trustDomainOf(tx: Tx, mesh: MeshRef): Promise<string | undefined> {
  const [row] = await tx
    .select({ trustDomain: meshes.trustDomain })
    .from(meshes)
    .where(eq(meshes.id, mesh.id));
  return row?.trustDomain;
}

/** What others follow of a mesh. */
export interface ServedBundle {
  /** PEM of the roots. */
  readonly roots: string;
  /** Rises with each change of them. */
  readonly sequence: number;
}

/** The roots that are trusted now, and their number: the next one where they are others than the last time. Undefined while there are none. */
export async function servedBundle(
  tx: Tx,
  mesh: MeshRef,
  now: number,
): Promise<ServedBundle | undefined> {
  const seen = await rootsAndCount(tx, mesh);
  if (!seen || isCounted(seen)) return seen;
  // Whoever has the lock may have counted it meanwhile, or may be about to change the roots: all is read anew below it.
  await lockMesh(tx, mesh);
  const current = await rootsAndCount(tx, mesh);
  if (!current || isCounted(current)) return current;
  const { roots, digest } = current;
  const set = { sequence: current.sequence + 1, digest, changedAt: new Date(now) };
  await tx
    .insert(bundleSequences)
    .values({ meshId: mesh.id, tenantId: mesh.tenant, ...set })
    .onConflictDoUpdate({ target: bundleSequences.meshId, set });
  return { roots, sequence: set.sequence };
}

interface RootsAndCount extends ServedBundle {
  /** Of the roots, as `counted` is of those that were counted last. */
  readonly digest: string;
  readonly counted: string | undefined;
}

const isCounted = ({ digest, counted }: RootsAndCount) => digest === counted;

/** The roots as they are, and the number that was given last, 0 before the first. */
async function rootsAndCount(tx: Tx, mesh: MeshRef): Promise<RootsAndCount | undefined> {
  const state = await authorityState(tx, mesh);
  if (!state) return undefined;
  const roots = trustBundleOf(state);
  const [row] = await tx.select().from(bundleSequences).where(eq(bundleSequences.meshId, mesh.id));
  return { roots, digest: await sha256(roots), counted: row?.digest, sequence: row?.sequence ?? 0 };
}
