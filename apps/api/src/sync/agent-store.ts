/** Agents of a mesh as rows: who has joined, how far each is, and what its cluster looks like. */
import { acknowledgements, agents, and, asc, eq, gt, sql, type Tx } from "@heddle/db";
import type { Acknowledgement } from "@heddle/sync";
import type { AppDeps, MeshRef } from "../deps.ts";
import type { AgentSummary } from "./cluster-summary.ts";

export type AgentRow = typeof agents.$inferSelect;

export interface AgentStore {
  /** Which of a mesh's agents are connected is known only to its room: nobody is, when one opens. */
  opened(mesh: MeshRef): Promise<void>;
  connection(mesh: MeshRef, agent: ConnectionState): Promise<void>;
  acknowledge(mesh: MeshRef, agent: string, ack: Acknowledgement, complete: boolean): Promise<void>;
  summarize(mesh: MeshRef, agent: string, summary: AgentSummary): Promise<void>;
  /** Hash of the summary that is stored for the agent. */
  summaryHash(mesh: MeshRef, agent: string): Promise<string | undefined>;
}

export interface ConnectionState {
  readonly id: string;
  readonly connected: boolean;
  readonly since: number;
  readonly version: string;
  readonly features: readonly string[];
  readonly acknowledged: number;
}

export function createAgentStore({ db, clock }: Pick<AppDeps, "db" | "clock">): AgentStore {
  const within = <T>(mesh: MeshRef, work: (tx: Tx) => Promise<T>) =>
    db.withTenant(mesh.tenant, work);
  const one = (mesh: MeshRef, agent: string) =>
    and(eq(agents.meshId, mesh.id), eq(agents.id, agent));
  return {
    opened: (mesh) =>
      within(mesh, async (tx) => {
        await tx.update(agents).set({ connected: false }).where(eq(agents.meshId, mesh.id));
      }),
    connection: (mesh, { id, connected, since, version, features, acknowledged }) =>
      within(mesh, async (tx) => {
        const at = new Date(since);
        await tx
          .update(agents)
          .set({
            connected,
            version,
            features: [...features],
            acknowledged,
            lastSeenAt: at,
            ...(connected ? { connectedAt: at } : {}),
          })
          .where(one(mesh, id));
      }),
    acknowledge: (mesh, agent, ack, complete) =>
      within(mesh, async (tx) => {
        const at = new Date(clock());
        const said = {
          proxies: ack.proxies,
          acknowledged: ack.acknowledged,
          laggards: [...ack.laggards],
          rejections: [...ack.rejections],
          updatedAt: at,
        };
        if (ack.number > 0)
          await tx
            .insert(acknowledgements)
            .values({
              meshId: mesh.id,
              tenantId: mesh.tenant,
              number: ack.number,
              agentId: agent,
              ...said,
              completedAt: complete ? at : null,
            })
            .onConflictDoUpdate({
              target: [acknowledgements.meshId, acknowledgements.number, acknowledgements.agentId],
              // The first completion counts: a proxy that connects later is not the revision's delay.
              set: {
                ...said,
                completedAt: complete
                  ? sql`coalesce(${acknowledgements.completedAt}, excluded.completed_at)`
                  : sql`${acknowledgements.completedAt}`,
              },
            });
        await tx
          .update(agents)
          .set({
            lastSeenAt: at,
            ...(complete
              ? { acknowledged: sql`greatest(${agents.acknowledged}, ${ack.number}::integer)` }
              : {}),
          })
          .where(one(mesh, agent));
        if (complete && ack.number > 0) await markConverged(tx, mesh, ack.number, at);
      }),
    summarize: (mesh, agent, summary) =>
      within(mesh, async (tx) => {
        await tx.update(agents).set({ summary }).where(one(mesh, agent));
      }),
    summaryHash: (mesh, agent) =>
      within(mesh, async (tx) => {
        const [row] = await tx
          .select({ hash: sql<string | null>`${agents.summary} ->> 'hash'` })
          .from(agents)
          .where(one(mesh, agent));
        return row?.hash ?? undefined;
      }),
  };
}

/** A revision has converged when no connected agent is still behind it; the first time stays. */
async function markConverged(tx: Tx, mesh: MeshRef, number: number, at: Date): Promise<void> {
  await tx.execute(sql`
    update revisions set converged_at = ${at.toISOString()}::timestamptz
    where mesh_id = ${mesh.id}::uuid and number = ${number}::integer and converged_at is null
      and not exists (
        select 1 from agents a where a.mesh_id = ${mesh.id}::uuid and a.connected and a.acknowledged < ${number}::integer)`);
}

/** By name. */
export function listAgents(
  tx: Tx,
  mesh: MeshRef,
  page: { after: string | undefined; limit: number },
): Promise<AgentRow[]> {
  return tx
    .select()
    .from(agents)
    .where(
      and(
        eq(agents.meshId, mesh.id),
        page.after === undefined ? undefined : gt(agents.name, page.after),
      ),
    )
    .orderBy(asc(agents.name))
    .limit(page.limit);
}
