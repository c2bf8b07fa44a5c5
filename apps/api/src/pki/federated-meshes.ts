/** Meshes of one plane that federate: each sees of the other what that one's own tenant has agreed to, and nothing before. */
import { eq, meshes } from "@heddle/db";
import type { AppDeps, MeshRef } from "../deps.ts";
import {
  federationRows,
  federationWith,
  type FederationRow,
  type ServedBundle,
  servedBundle,
  trustDomainOf,
} from "./federation-store.ts";

type Deps = Pick<AppDeps, "db" | "clock">;

/** A mesh that has declared the one that asks, as that one has declared it. */
export interface Partner {
  readonly mesh: MeshRef;
  readonly trustDomain: string;
  /** Undefined while it has no root. */
  readonly bundle: ServedBundle | undefined;
}

/** Those that agree, by trust domain. */
export async function partnersOf(deps: Deps, mesh: MeshRef): Promise<Partner[]> {
  const { trustDomain, rows } = await deps.db.withTenant(mesh.tenant, async (tx) => ({
    trustDomain: await trustDomainOf(tx, mesh),
    rows: await federationRows(tx, mesh),
  }));
  return trustDomain === undefined ? [] : agreeing(deps, { ...mesh, trustDomain }, rows);
}

/** Of some federations of the mesh, those with meshes of the plane that agree. */
export async function agreeing(
  deps: Deps,
  mesh: MeshRef & { readonly trustDomain: string },
  rows: readonly FederationRow[],
): Promise<Partner[]> {
  const partners: Partner[] = [];
  for (const { trustDomain, source } of rows) {
    if (source.kind !== "mesh") continue;
    const partner = await partnerAt(deps, mesh, { trustDomain, id: source.mesh });
    if (partner) partners.push(partner);
  }
  return partners;
}

/**
 * Whose mesh it is the plane itself has to look up; whether it agrees, and what its roots are, is asked with the rights of its own
 * tenant. One that is not there and one that has not agreed are the same to whoever asks.
 */
async function partnerAt(
  { db, clock }: Deps,
  own: MeshRef & { readonly trustDomain: string },
  { trustDomain, id }: { readonly trustDomain: string; readonly id: string },
): Promise<Partner | undefined> {
  const tenant = await tenantOfMesh({ db }, id);
  if (tenant === undefined) return undefined;
  const mesh = { tenant, id };
  return db.withTenant(tenant, async (tx) => {
    if ((await trustDomainOf(tx, mesh)) !== trustDomain) return undefined;
    const back = (await federationWith(tx, mesh, own.trustDomain))?.source;
    if (back?.kind !== "mesh" || back.mesh !== own.id) return undefined;
    return { mesh, trustDomain, bundle: await servedBundle(tx, mesh, clock()) };
  });
}

/** Whose a mesh is; undefined for one that is not there. */
export async function tenantOfMesh(
  { db }: Pick<AppDeps, "db">,
  id: string,
): Promise<string | undefined> {
  const [row] = await db.asPlane((tx) =>
    tx.select({ tenant: meshes.tenantId }).from(meshes).where(eq(meshes.id, id)),
  );
  return row?.tenant;
}
