/** How far a revision has come to the mesh's proxies, from what agents acknowledged. */
import { acknowledgements, agents, and, eq, revisions, sql } from "@heddle/db";
import type { Convergence } from "@heddle/client";
import type { AppDeps, MeshRef } from "../deps.ts";

/** A revision that connected proxies have not acknowledged for so long is stale, milliseconds. */
const STALE_AFTER = 30_000;

/** One query: every agent of the mesh with what it said of the revision. */
export async function convergenceOf(
  deps: AppDeps,
  mesh: MeshRef,
  revision: number,
): Promise<Convergence> {
  const { rows, committed } = await deps.db.withTenant(mesh.tenant, async (tx) => ({
    rows: await tx
      .select({
        connected: agents.connected,
        newest: agents.acknowledged,
        proxies: acknowledgements.proxies,
        acknowledged: acknowledgements.acknowledged,
        completedAt: acknowledgements.completedAt,
      })
      .from(agents)
      .leftJoin(
        acknowledgements,
        and(
          eq(acknowledgements.meshId, agents.meshId),
          eq(acknowledgements.agentId, agents.id),
          eq(acknowledgements.number, sql`${revision}::integer`),
        ),
      )
      .where(eq(agents.meshId, mesh.id)),
    committed: await tx
      .select({ at: revisions.createdAt })
      .from(revisions)
      .where(and(eq(revisions.meshId, mesh.id), eq(revisions.number, revision))),
  }));
  const proxies = sum(rows.map((row) => row.proxies ?? 0));
  const acknowledged = sum(rows.map((row) => row.acknowledged ?? 0));
  const counted = { revision, proxies, acknowledged };
  const at = committed[0]?.at.getTime();
  if (rows.length === 0) return { ...counted, state: "no-agents" };
  if (revision === 0 || at === undefined) return { ...counted, state: "applied" };
  const awaited = rows.filter((row) => row.completedAt === null && row.newest < revision);
  if (awaited.length === 0) {
    const last = Math.max(...rows.map((row) => row.completedAt?.getTime() ?? 0));
    return {
      ...counted,
      ...(last > 0 ? { durationMs: Math.max(0, last - at) } : {}),
      state: "applied",
    };
  }
  const connected = awaited.some((row) => row.connected);
  return { ...counted, state: connected && deps.clock() - at < STALE_AFTER ? "pending" : "stale" };
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
