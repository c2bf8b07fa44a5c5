/** Which agent of which mesh a token speaks for, and whether it still does. */
import { agents, and, eq, gt, inArray, isNull, or, tokens } from "@heddle/db";
import type { AppDeps, MeshRecord, MeshRef } from "../deps.ts";
import type { Actor } from "../http/router.ts";
import { findMesh } from "../tenancy/mesh-store.ts";
import { syncProblem } from "./problems.ts";

/** HDL7011 where the token is not an agent's, HDL7009 where it is of another mesh than the one named. */
export async function agentOf(
  deps: Pick<AppDeps, "db">,
  actor: Actor,
  meshName: string | undefined,
): Promise<{ mesh: MeshRecord; agent: { id: string; name: string }; token: string }> {
  const { agent: id } = actor;
  const meshId = actor.meshes?.[0];
  if (!id || !meshId || !actor.scopes.includes("agent"))
    throw syncProblem("HDL7011", `The token ${JSON.stringify(actor.tokenName)} is not an agent's.`);
  const mesh = await findMesh(deps.db, actor.tenant, meshId);
  if (!mesh || (meshName !== undefined && meshName !== mesh.name && meshName !== mesh.id))
    throw syncProblem("HDL7009", `The token is not of mesh ${JSON.stringify(meshName ?? meshId)}.`);
  const [row] = await deps.db.withTenant(actor.tenant, (tx) =>
    tx
      .select({ id: agents.id, name: agents.name })
      .from(agents)
      .where(and(eq(agents.meshId, mesh.id), eq(agents.id, id))),
  );
  if (!row) throw syncProblem("HDL7011", "The agent was removed.");
  return { mesh, agent: row, token: actor.token };
}

/** The namespaces whose workloads an agent may have certificates for; undefined: all. */
export async function namespacesOf(
  { db }: Pick<AppDeps, "db">,
  mesh: MeshRef,
  agent: string | undefined,
): Promise<readonly string[] | undefined> {
  if (agent === undefined) return undefined;
  const [row] = await db.withTenant(mesh.tenant, (tx) =>
    tx
      .select({ namespaces: agents.namespaces })
      .from(agents)
      .where(and(eq(agents.meshId, mesh.id), eq(agents.id, agent))),
  );
  return row?.namespaces ?? undefined;
}

/**
 * A socket outlives the request that opened it: its token is looked at again after so long, milliseconds. An agent that is revoked
 * is out within 5 s.
 */
export const TOKEN_BELIEVED_FOR = 4_000;

/** Of these tokens, by id, those that are neither revoked nor expired. */
export async function standingTokens(
  deps: Pick<AppDeps, "db" | "clock">,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const valid = or(isNull(tokens.expiresAt), gt(tokens.expiresAt, new Date(deps.clock())));
  const rows = await deps.db.asPlane((tx) =>
    tx
      .select({ id: tokens.id })
      .from(tokens)
      .where(and(inArray(tokens.id, [...ids]), isNull(tokens.revokedAt), valid)),
  );
  return new Set(rows.map(({ id }) => id));
}
