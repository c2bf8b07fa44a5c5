/** Which agent of which mesh a token speaks for. */
import { agents, and, eq } from "@heddle/db";
import type { AppDeps, MeshRecord } from "../deps.ts";
import type { Actor } from "../http/router.ts";
import { findMesh } from "../tenancy/mesh-store.ts";
import { syncProblem } from "./problems.ts";

/** HDL7011 where the token is not an agent's, HDL7009 where it is of another mesh than the one named. */
export async function agentOf(
  deps: Pick<AppDeps, "db">,
  actor: Actor,
  meshName: string | undefined,
): Promise<{ mesh: MeshRecord; agent: { id: string; name: string } }> {
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
  return { mesh, agent: row };
}
