/** Whom a mesh's agents are to trust beside its own: what it federates with, as far as that is in force. */
import type { FederatedTrust } from "@heddle/client";
import { sha256 } from "@heddle/sync";
import type { AppDeps, MeshRef } from "../deps.ts";
import { agreeing, type Partner } from "./federated-meshes.ts";
import { federationRows, type FederationRow, trustDomainOf } from "./federation-store.ts";

/** What a mesh's agents are told. */
export interface FederationsInForce {
  readonly trusted: readonly FederatedTrust[];
  /** Names all of it: SHA-256, hexadecimal; empty where the mesh federates with nobody. */
  readonly digest: string;
  readonly partners: readonly Partner[];
}

/** A mesh of the plane that does not agree, or has no root yet, is not among them. */
export async function federationsInForce(
  deps: Pick<AppDeps, "db" | "clock">,
  mesh: MeshRef,
): Promise<FederationsInForce> {
  const { trustDomain, rows } = await deps.db.withTenant(mesh.tenant, async (tx) => {
    const found = await federationRows(tx, mesh);
    return { rows: found, trustDomain: found.length > 0 && (await trustDomainOf(tx, mesh)) };
  });
  if (!trustDomain) return { trusted: [], digest: "", partners: [] };
  const partners = await agreeing(deps, { ...mesh, trustDomain }, rows);
  const trusted = rows.flatMap((row) => trustOf(row, partners) ?? []);
  const digest = trusted.length === 0 ? "" : await sha256(JSON.stringify(trusted));
  return { trusted, digest, partners };
}

function trustOf(
  { trustDomain, source }: FederationRow,
  partners: readonly Partner[],
): FederatedTrust | undefined {
  if (source.kind !== "mesh") return { trustDomain, source };
  const bundle = partners.find((each) => each.trustDomain === trustDomain)?.bundle?.roots;
  return bundle === undefined ? undefined : { trustDomain, source: { kind: "bundle", bundle } };
}
