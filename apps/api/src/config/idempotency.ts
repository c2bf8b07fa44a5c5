/** A write that is sent twice with the same `Idempotency-Key` happens once, and is answered twice. */
import { sha256 } from "@heddle/sync";
import { and, eq, idempotencyKeys, lt, type Tx } from "@heddle/db";
import type { AppDeps } from "../deps.ts";
import { problem } from "../http/problem.ts";

/** How long an answer is kept, milliseconds. */
const KEPT_FOR = 24 * 3_600_000;

export interface Attempt {
  /** Hash over token, method, path and the caller's key. */
  readonly id: string;
  readonly requestHash: string;
}

/** Undefined where the caller sent no key. Refuses a key that is empty or longer than 255 characters. */
export async function attemptOf(request: {
  key: string | undefined;
  token: string;
  method: string;
  path: string;
  body: string;
}): Promise<Attempt | undefined> {
  const { key, token, method, path, body } = request;
  if (key === undefined) return undefined;
  if (key.length === 0 || key.length > 255)
    throw problem("HDL1004", "Idempotency-Key has between 1 and 255 characters.");
  return {
    id: await sha256(JSON.stringify([token, method, path, key])),
    requestHash: await sha256(body),
  };
}

/** The answer of an earlier attempt. HDL1033 where that was another request. The caller holds the mesh's lock. */
export async function earlierAnswer(tx: Tx, attempt: Attempt): Promise<unknown> {
  const [row] = await tx.select().from(idempotencyKeys).where(eq(idempotencyKeys.id, attempt.id));
  if (!row) return undefined;
  if (row.requestHash !== attempt.requestHash)
    throw problem(
      "HDL1033",
      `This key answered another request at ${row.createdAt.toISOString()}.`,
    );
  return row.response;
}

/** Keeps the answer in the same transaction as what it tells of. */
export async function keepAnswer(
  deps: AppDeps,
  tx: Tx,
  tenant: string,
  attempt: Attempt,
  response: unknown,
): Promise<void> {
  const now = deps.clock();
  await tx
    .delete(idempotencyKeys)
    .where(
      and(
        eq(idempotencyKeys.tenantId, tenant),
        lt(idempotencyKeys.createdAt, new Date(now - KEPT_FOR)),
      ),
    );
  await tx
    .insert(idempotencyKeys)
    .values({ tenantId: tenant, ...attempt, status: 200, response, createdAt: new Date(now) });
}
