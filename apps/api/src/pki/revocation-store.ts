/** Revocations as rows: which identities have no certificates any more, and what may still be taken that was signed before. */
import { and, eq, isNull, lte, revocations, type Tx } from "@heddle/db";
import type { MeshRef } from "../deps.ts";

/** SPIFFE ids that nobody is issued certificates for, sorted. */
export async function revokedIdentities(tx: Tx, mesh: MeshRef): Promise<string[]> {
  const rows = await tx
    .selectDistinct({ subject: revocations.subject })
    .from(revocations)
    .where(
      and(
        eq(revocations.meshId, mesh.id),
        eq(revocations.kind, "workload"),
        isNull(revocations.liftedAt),
      ),
    );
  return rows.map(({ subject }) => subject).toSorted();
}

/** Whether what somebody has, who was revoked, may still be taken. */
export async function hasPendingRevocations(tx: Tx, mesh: MeshRef): Promise<boolean> {
  const pending = await tx
    .select({ id: revocations.id })
    .from(revocations)
    .where(and(eq(revocations.meshId, mesh.id), isNull(revocations.effectiveAt)))
    .limit(1);
  return pending.length > 0;
}

/** A rotation that began then is over: what was signed before is refused. */
export async function markEffective(tx: Tx, meshId: string, began: Date, at: Date): Promise<void> {
  await tx
    .update(revocations)
    .set({ effectiveAt: at })
    .where(
      and(
        eq(revocations.meshId, meshId),
        isNull(revocations.effectiveAt),
        lte(revocations.createdAt, began),
      ),
    );
}
