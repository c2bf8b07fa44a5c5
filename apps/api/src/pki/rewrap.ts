/** Seals a mesh's private keys anew: under another envelope key, or another version of it. */
import {
  and,
  authorityRequests,
  certificateAuthorities,
  eq,
  ne,
  signingKeys,
  type Tx,
} from "@heddle/db";
import type { RewrappedKeys } from "@heddle/client";
import type { AppDeps, MeshRef } from "../deps.ts";
import { lockMesh } from "../tenancy/mesh-store.ts";
import { INTERMEDIATE, purposeOf } from "./mesh-authority.ts";
import { withPkiProblems } from "./problems.ts";
import { signingPurpose } from "./signing-keys.ts";

type Deps = Pick<AppDeps, "db" | "envelope">;

/** All of them or, where one cannot be opened, none. Throws what opening and sealing throw. */
export function rewrapKeys(deps: Deps, mesh: MeshRef): Promise<RewrappedKeys> {
  return withPkiProblems(async () => {
    deps.envelope.renew();
    // While a key service is away it would be sealed with what is at hand, which may be of the version before.
    await deps.envelope.check();
    return deps.db.withTenant(mesh.tenant, async (tx) => {
      await lockMesh(tx, mesh);
      const counts = [
        await rewrapAuthorities(deps, tx, mesh),
        await rewrapRequests(deps, tx, mesh),
        await rewrapSigningKeys(deps, tx, mesh),
      ];
      const keys = counts.reduce((sum, count) => sum + count, 0);
      return { keys, envelope: deps.envelope.name };
    });
  });
}

async function resealed({ envelope }: Deps, sealed: string, purpose: string): Promise<string> {
  return envelope.seal(await envelope.open(sealed, purpose), purpose);
}

async function rewrapAuthorities(deps: Deps, tx: Tx, mesh: MeshRef): Promise<number> {
  const { id, meshId, kind, wrappedKey } = certificateAuthorities;
  const rows = await tx
    .select({ id, kind, wrappedKey })
    .from(certificateAuthorities)
    .where(and(eq(meshId, mesh.id), ne(wrappedKey, "")));
  for (const row of rows)
    await tx
      .update(certificateAuthorities)
      .set({ wrappedKey: await resealed(deps, row.wrappedKey, purposeOf(mesh, row)) })
      .where(eq(id, row.id));
  return rows.length;
}

async function rewrapRequests(deps: Deps, tx: Tx, mesh: MeshRef): Promise<number> {
  const { meshId, wrappedKey } = authorityRequests;
  const rows = await tx.select({ wrappedKey }).from(authorityRequests).where(eq(meshId, mesh.id));
  for (const row of rows)
    await tx
      .update(authorityRequests)
      .set({ wrappedKey: await resealed(deps, row.wrappedKey, purposeOf(mesh, INTERMEDIATE)) })
      .where(eq(meshId, mesh.id));
  return rows.length;
}

async function rewrapSigningKeys(deps: Deps, tx: Tx, mesh: MeshRef): Promise<number> {
  const { id, meshId, wrappedKey } = signingKeys;
  const rows = await tx.select({ id, wrappedKey }).from(signingKeys).where(eq(meshId, mesh.id));
  for (const row of rows)
    await tx
      .update(signingKeys)
      .set({ wrappedKey: await resealed(deps, row.wrappedKey, signingPurpose(mesh)) })
      .where(and(eq(meshId, mesh.id), eq(id, row.id)));
  return rows.length;
}
