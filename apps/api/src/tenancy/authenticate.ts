/** From a bearer token to who asks. */
import { eq, sql, tenants, tokens, type Database } from "@heddle/db";
import type { AppDeps } from "../deps.ts";
import { problem } from "../http/problem.ts";
import type { Actor } from "../http/router.ts";
import { hashSecret } from "./secret.ts";

/** How exact `lastUsedAt` is, milliseconds: a write per request would cost more than the request. */
const LAST_USED_GRAIN = 60_000;

/** Who the token belongs to. Refuses with HDL1011 to HDL1013, all 401. */
export async function authenticate(deps: AppDeps, secret: string): Promise<Actor> {
  const hash = await hashSecret(secret);
  return deps.db.asPlane(async (tx) => {
    const [row] = await tx
      .select({ token: tokens, tenantName: tenants.name })
      .from(tokens)
      .innerJoin(tenants, eq(tenants.id, tokens.tenantId))
      .where(eq(tokens.hash, hash));
    if (!row) throw refused("HDL1011", "Nobody has this token.", "invalid_token");
    const { token } = row;
    const now = deps.clock();
    if (token.revokedAt)
      throw refused(
        "HDL1013",
        `The token ${JSON.stringify(token.name)} was revoked at ${token.revokedAt.toISOString()}.`,
        "invalid_token",
      );
    if (token.expiresAt && token.expiresAt.getTime() <= now)
      throw refused(
        "HDL1012",
        `The token ${JSON.stringify(token.name)} expired at ${token.expiresAt.toISOString()}.`,
        "invalid_token",
      );
    if (now - (token.lastUsedAt?.getTime() ?? 0) > LAST_USED_GRAIN)
      await tx
        .update(tokens)
        .set({ lastUsedAt: sql`${new Date(now).toISOString()}::timestamptz` })
        .where(eq(tokens.id, token.id));
    return {
      tenant: token.tenantId,
      tenantName: row.tenantName,
      token: token.id,
      tokenName: token.name,
      scopes: token.scopes,
      meshes: token.meshId ? [token.meshId] : undefined,
      agent: token.agentId ?? undefined,
    };
  });
}

/** Whether a token of this secret was ever made, valid or not. */
export async function isKnownSecret(db: Database, secret: string): Promise<boolean> {
  const hash = await hashSecret(secret);
  const rows = await db.asPlane((tx) =>
    tx.select({ id: tokens.id }).from(tokens).where(eq(tokens.hash, hash)),
  );
  return rows.length > 0;
}

function refused(code: "HDL1011" | "HDL1012" | "HDL1013", detail: string, error: string) {
  return problem(code, detail, {
    headers: { "www-authenticate": `Bearer realm="heddle", error="${error}"` },
  });
}
