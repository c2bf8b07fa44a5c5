/** Tokens of a tenant, as rows; their secrets are never among them. */
import { and, asc, eq, gt, isNull, or, sql, tokens, type Scope, type Tx } from "@heddle/db";

export type TokenRecord = Omit<typeof tokens.$inferSelect, "hash">;

export interface NewToken {
  readonly id: string;
  readonly tenantId: string;
  readonly name: string;
  readonly hash: string;
  readonly scopes: Scope[];
  readonly meshId: string | null;
  readonly agentId: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
}

export async function insertToken(tx: Tx, token: NewToken): Promise<TokenRecord> {
  const [row] = await tx.insert(tokens).values(token).returning();
  if (!row) throw new Error("A token was inserted and is not there.");
  return withoutHash(row);
}

/** In the order they were made. */
export async function listTokens(
  tx: Tx,
  page: {
    after: { createdAt: string; id: string } | undefined;
    limit: number;
    /** Only tokens for this mesh. */
    mesh: string | undefined;
  },
): Promise<TokenRecord[]> {
  const at = page.after && sql`${page.after.createdAt}::timestamptz`;
  const rows = await tx
    .select()
    .from(tokens)
    .where(
      and(
        page.mesh === undefined ? undefined : eq(tokens.meshId, page.mesh),
        page.after && at
          ? or(
              gt(tokens.createdAt, at),
              and(eq(tokens.createdAt, at), gt(tokens.id, page.after.id)),
            )
          : undefined,
      ),
    )
    .orderBy(asc(tokens.createdAt), asc(tokens.id))
    .limit(page.limit);
  return rows.map(withoutHash);
}

/** False where there is no such token; revoking twice keeps the first time. */
export async function revokeToken(
  tx: Tx,
  token: { id: string; mesh: string | undefined },
  at: Date,
): Promise<boolean> {
  const which = and(
    eq(tokens.id, token.id),
    token.mesh === undefined ? undefined : eq(tokens.meshId, token.mesh),
  );
  await tx
    .update(tokens)
    .set({ revokedAt: at })
    .where(and(which, isNull(tokens.revokedAt)));
  const [row] = await tx.select({ id: tokens.id }).from(tokens).where(which);
  return row !== undefined;
}

function withoutHash(row: typeof tokens.$inferSelect): TokenRecord {
  const { hash: _, ...rest } = row;
  return rest;
}
