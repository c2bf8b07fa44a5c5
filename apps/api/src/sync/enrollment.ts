/** How agents join: a one-time token, kept as a hash, becomes an agent's own. */
import {
  agents,
  and,
  arrayContained,
  eq,
  isNull,
  joinTokens,
  meshes,
  sql,
  tokens,
  type Tx,
} from "@heddle/db";
import type { CreatedJoinToken, Enrollment } from "@heddle/client";
import type { AppDeps, MeshRecord } from "../deps.ts";
import { signingKeyOf } from "../pki/signing-keys.ts";
import { createSecret, hashSecret } from "../tenancy/secret.ts";
import { insertToken } from "../tenancy/token-store.ts";
import { syncProblem } from "./problems.ts";

/** A join token's lifetime where nobody asked for another, seconds. */
export const JOIN_TOKEN_SECONDS = 24 * 3600;

export async function createJoinToken(
  deps: AppDeps,
  mesh: MeshRecord,
  {
    name,
    expiresInSeconds = JOIN_TOKEN_SECONDS,
    namespaces,
  }: {
    name: string;
    expiresInSeconds?: number | undefined;
    namespaces?: readonly string[] | undefined;
  },
): Promise<CreatedJoinToken> {
  const secret = createSecret(deps.random, "hdlj");
  const now = deps.clock();
  const row = {
    id: crypto.randomUUID(),
    tenantId: mesh.tenant,
    meshId: mesh.id,
    name,
    hash: await hashSecret(secret),
    namespaces: namespaces ? [...namespaces] : null,
    createdAt: new Date(now),
    expiresAt: new Date(now + expiresInSeconds * 1000),
  };
  await deps.db.withTenant(mesh.tenant, async (tx) => {
    await tx.insert(joinTokens).values(row);
  });
  return { id: row.id, name, token: secret, expiresAt: row.expiresAt.toISOString() };
}

/**
 * Uses up a join token. An agent that comes again under its name, with a new join token, is the same agent with a new
 * token; its old ones are revoked. HDL7012 where the token is unknown, used, revoked or expired, or kept to namespaces that the agent
 * of this name goes beyond: a narrow token must not push a wider agent out.
 */
export async function enroll(
  deps: AppDeps,
  request: { joinToken: string; name: string; publicKey?: string | undefined },
): Promise<Enrollment> {
  const hash = await hashSecret(request.joinToken);
  const join = await deps.db.asPlane((tx) => claim(tx, hash, deps.clock()));
  if (!join) throw syncProblem("HDL7012", "Nobody may join with this token.");
  try {
    return await admit(deps, join, request);
  } catch (error) {
    await deps.db.asPlane(async (tx) => {
      await tx.update(joinTokens).set({ usedAt: null }).where(eq(joinTokens.hash, hash));
    });
    throw error;
  }
}

/** Whether the token is one that was neither used nor revoked, and has not expired at that time, milliseconds since 1970. */
export async function canJoin(
  deps: Pick<AppDeps, "db">,
  joinToken: string,
  at: number,
): Promise<boolean> {
  const hash = await hashSecret(joinToken);
  const rows = await deps.db.asPlane((tx) =>
    tx.select({ id: joinTokens.id }).from(joinTokens).where(isOpen(hash, at)),
  );
  return rows.length > 0;
}

async function admit(
  deps: AppDeps,
  join: {
    id: string;
    tenantId: string;
    meshId: string;
    trustDomain: string;
    namespaces: string[] | null;
  },
  request: { name: string; publicKey?: string | undefined },
): Promise<Enrollment> {
  const mesh = { tenant: join.tenantId, id: join.meshId };
  const secret = createSecret(deps.random);
  const now = new Date(deps.clock());
  const agentId = await deps.db.withTenant(mesh.tenant, async (tx) => {
    const [agent] = await tx
      .insert(agents)
      .values({
        id: crypto.randomUUID(),
        tenantId: mesh.tenant,
        meshId: mesh.id,
        name: request.name,
        publicKey: request.publicKey ?? null,
        namespaces: join.namespaces,
        createdAt: now,
      })
      .onConflictDoUpdate({
        target: [agents.meshId, agents.name],
        set: { publicKey: request.publicKey ?? null, namespaces: join.namespaces },
        ...(join.namespaces
          ? { setWhere: arrayContained(agents.namespaces, join.namespaces) }
          : {}),
      })
      .returning({ id: agents.id });
    if (!agent)
      throw syncProblem(
        "HDL7012",
        `An agent ${JSON.stringify(request.name)} is there, and is of more namespaces than this token.`,
      );
    await tx
      .update(tokens)
      .set({ revokedAt: now })
      .where(and(eq(tokens.agentId, agent.id), isNull(tokens.revokedAt)));
    await insertToken(tx, {
      id: crypto.randomUUID(),
      tenantId: mesh.tenant,
      name: `agent ${request.name}`,
      hash: await hashSecret(secret),
      scopes: ["agent"],
      meshId: mesh.id,
      agentId: agent.id,
      createdAt: now,
      expiresAt: null,
    });
    return agent.id;
  });
  await deps.db.asPlane(async (tx) => {
    await tx.update(joinTokens).set({ usedBy: agentId }).where(eq(joinTokens.id, join.id));
  });
  const { publicKey } = await signingKeyOf(deps, mesh);
  return {
    agentId,
    token: secret,
    mesh: mesh.id,
    signingKey: publicKey,
    trustDomain: join.trustDomain,
  };
}

/** Marks the token as used; undefined where it cannot be. One statement, so that of two agents one gets it. */
async function claim(tx: Tx, hash: string, now: number) {
  const at = new Date(now).toISOString();
  const [row] = await tx
    .update(joinTokens)
    .set({ usedAt: sql`${at}::timestamptz` })
    .where(isOpen(hash, now))
    .returning({
      ...{ id: joinTokens.id, tenantId: joinTokens.tenantId, meshId: joinTokens.meshId },
      namespaces: joinTokens.namespaces,
    });
  if (!row) return undefined;
  const [mesh] = await tx
    .select({ trustDomain: meshes.trustDomain })
    .from(meshes)
    .where(eq(meshes.id, row.meshId));
  return mesh && { ...row, ...mesh };
}

function isOpen(hash: string, at: number) {
  return and(
    eq(joinTokens.hash, hash),
    isNull(joinTokens.usedAt),
    isNull(joinTokens.revokedAt),
    sql`${joinTokens.expiresAt} > ${new Date(at).toISOString()}::timestamptz`,
  );
}
