/** From a bearer token to who asks. */
import { eq, sql, tenants, tokens, type Database, type Tx } from "@heddle/db";
import type { AppDeps } from "../deps.ts";
import { isDiskFull } from "../http/failures.ts";
import { problem } from "../http/problem.ts";
import type { Actor } from "../http/router.ts";
import { hashSecret } from "./secret.ts";

/** How exact `lastUsedAt` is, milliseconds: a write per request would cost more than the request. */
const LAST_USED_GRAIN = 60_000;

/** How long a token that was found is believed to be as it was, milliseconds. In the process that revokes it, it ends at once. */
const BELIEVED_FOR = 1_000;

/** Tokens that are remembered; beyond it all are forgotten. */
const MOST_REMEMBERED = 10_000;

type Found = Pick<typeof tokens.$inferSelect, "name" | "expiresAt" | "revokedAt"> & {
  readonly actor: Actor;
  readonly readAt: number;
};

const remembered = new WeakMap<Database, Map<string, Found>>();

/** Who the token belongs to. Refuses with HDL1011 to HDL1013, all 401. */
export async function authenticate(
  deps: Pick<AppDeps, "db" | "clock">,
  secret: string,
): Promise<Actor> {
  const hash = await hashSecret(secret);
  const now = deps.clock();
  const known = remembered.get(deps.db)?.get(hash);
  const found =
    known && now - known.readAt < BELIEVED_FOR ? known : await findToken(deps.db, hash, now);
  if (!found) throw refused("HDL1011", "Nobody has this token.");
  const name = JSON.stringify(found.name);
  if (found.revokedAt)
    throw refused("HDL1013", `The token ${name} was revoked at ${found.revokedAt.toISOString()}.`);
  if (found.expiresAt && found.expiresAt.getTime() <= now)
    throw refused("HDL1012", `The token ${name} expired at ${found.expiresAt.toISOString()}.`);
  return found.actor;
}

/** Lets the next request ask the database again. */
export function forgetTokens(db: Database): void {
  remembered.delete(db);
}

async function findToken(db: Database, hash: string, now: number): Promise<Found | undefined> {
  const found = await db.asPlane(async (tx) => {
    const [row] = await tx
      .select({ token: tokens, tenantName: tenants.name })
      .from(tokens)
      .innerJoin(tenants, eq(tenants.id, tokens.tenantId))
      .where(eq(tokens.hash, hash));
    if (!row) return undefined;
    const { token } = row;
    if (now - (token.lastUsedAt?.getTime() ?? 0) > LAST_USED_GRAIN)
      await noteUse(tx, token.id, now);
    const actor: Actor = {
      tenant: token.tenantId,
      tenantName: row.tenantName,
      token: token.id,
      tokenName: token.name,
      scopes: token.scopes,
      meshes: token.meshId ? [token.meshId] : undefined,
      agent: token.agentId ?? undefined,
    };
    return {
      actor,
      name: token.name,
      expiresAt: token.expiresAt,
      revokedAt: token.revokedAt,
      readAt: now,
    };
  });
  if (found) remember(db, hash, found);
  return found;
}

/** A full disk must not keep anybody from reading. */
async function noteUse(tx: Tx, token: string, now: number): Promise<void> {
  try {
    await tx
      .update(tokens)
      .set({ lastUsedAt: sql`${new Date(now).toISOString()}::timestamptz` })
      .where(eq(tokens.id, token));
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

function remember(db: Database, hash: string, found: Found): void {
  const known = remembered.get(db) ?? new Map<string, Found>();
  if (known.size >= MOST_REMEMBERED) known.clear();
  known.set(hash, found);
  remembered.set(db, known);
}

/** Whether a token of this secret was ever made, valid or not. */
export async function isKnownSecret(db: Database, secret: string): Promise<boolean> {
  const hash = await hashSecret(secret);
  const rows = await db.asPlane((tx) =>
    tx.select({ id: tokens.id }).from(tokens).where(eq(tokens.hash, hash)),
  );
  return rows.length > 0;
}

function refused(code: "HDL1011" | "HDL1012" | "HDL1013", detail: string) {
  return problem(code, detail, {
    headers: { "www-authenticate": 'Bearer realm="heddle", error="invalid_token"' },
  });
}
