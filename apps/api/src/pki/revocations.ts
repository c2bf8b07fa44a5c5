/** Agents and workloads that nobody is to take any more. What they have was signed from a root, and that root is left behind at once. */
import { agents, and, desc, eq, isNull, revocations, tokens, type Tx } from "@heddle/db";
import { parseSpiffeId, PkiError } from "@heddle/pki";
import type { NewRevocation, RevocationInfo } from "@heddle/client";
import type { AppDeps, MeshRecord, MeshRef } from "../deps.ts";
import { problem } from "../http/problem.ts";
import { meshRoom } from "../sync/rooms.ts";
import { forgetTokens } from "../tenancy/authenticate.ts";
import { lockMesh } from "../tenancy/mesh-store.ts";
import { preparedRoot } from "./authority-store.ts";
import { insertRoot } from "./mesh-authority.ts";
import { withPkiProblems } from "./problems.ts";

type Row = typeof revocations.$inferSelect;

/**
 * Takes effect at once: an agent's tokens end and its sockets are closed; nobody is issued a certificate for a workload. What was signed
 * before is refused when the mesh has left its root, which an urgent rotation does within seconds. Throws `HDL1076` for an agent that
 * is not there, `HDL7103` for what is no identity of the mesh.
 */
export async function revoke(
  deps: AppDeps,
  mesh: MeshRecord,
  { kind, subject, reason = "" }: NewRevocation,
): Promise<RevocationInfo> {
  const at = new Date(deps.clock());
  const { row, agent } = await withPkiProblems(() =>
    deps.db.withTenant(mesh.tenant, async (tx) => {
      await lockMesh(tx, mesh);
      const named = kind === "agent" ? await endTokens(tx, mesh, subject, at) : undefined;
      if (kind === "workload") assertOfMesh(mesh, subject);
      const [inserted] = await tx
        .insert(revocations)
        .values({
          ...{ id: crypto.randomUUID(), tenantId: mesh.tenant, meshId: mesh.id },
          ...{ kind, subject, reason, createdAt: at },
        })
        .returning();
      if (!inserted) throw new Error("A revocation was inserted and is not there.");
      if (!(await preparedRoot(tx, mesh))) await insertRoot(deps, tx, mesh, { active: false });
      return { row: inserted, agent: named };
    }),
  );
  forgetTokens(deps.db);
  const room = meshRoom(deps.rooms, mesh);
  if (agent !== undefined) await room.dismiss(agent);
  await room.authorityChanged();
  return infoOf(row);
}

function assertOfMesh({ trustDomain }: MeshRecord, spiffeId: string): void {
  if (parseSpiffeId(spiffeId).trustDomain !== trustDomain)
    throw new PkiError("HDL7103", `${spiffeId} is not of trust domain ${trustDomain}.`);
}

/** The agent's id. */
async function endTokens(tx: Tx, mesh: MeshRef, name: string, at: Date): Promise<string> {
  const [agent] = await tx
    .select({ id: agents.id })
    .from(agents)
    .where(and(eq(agents.meshId, mesh.id), eq(agents.name, name)));
  if (!agent) throw problem("HDL1076", `The mesh has no agent ${JSON.stringify(name)}.`);
  await tx
    .update(tokens)
    .set({ revokedAt: at })
    .where(and(eq(tokens.agentId, agent.id), isNull(tokens.revokedAt)));
  return agent.id;
}

/** The newest first. */
export function listRevocations(deps: AppDeps, mesh: MeshRecord): Promise<RevocationInfo[]> {
  return deps.db.withTenant(mesh.tenant, async (tx) => {
    const rows = await tx
      .select()
      .from(revocations)
      .where(eq(revocations.meshId, mesh.id))
      .orderBy(desc(revocations.createdAt))
      .limit(1_000);
    return rows.map(infoOf);
  });
}

/** Lets a workload in again; an agent joins again with a new token. Throws `HDL1077`. */
export async function lift(deps: AppDeps, mesh: MeshRecord, id: string): Promise<void> {
  await deps.db.withTenant(mesh.tenant, async (tx) => {
    const open = and(eq(revocations.meshId, mesh.id), isNull(revocations.liftedAt));
    const lifted = await tx
      .update(revocations)
      .set({ liftedAt: new Date(deps.clock()) })
      .where(and(open, eq(revocations.id, id), eq(revocations.kind, "workload")))
      .returning({ id: revocations.id });
    if (lifted.length === 0)
      throw problem("HDL1077", `There is no revocation ${id} of a workload.`);
  });
  await meshRoom(deps.rooms, mesh).authorityChanged();
}

function infoOf({
  id,
  kind,
  subject,
  reason,
  createdAt,
  effectiveAt,
  liftedAt,
}: Row): RevocationInfo {
  return {
    ...{ id, kind, subject, reason, createdAt: createdAt.toISOString() },
    ...(effectiveAt ? { effectiveAt: effectiveAt.toISOString() } : {}),
    ...(liftedAt ? { liftedAt: liftedAt.toISOString() } : {}),
  };
}
