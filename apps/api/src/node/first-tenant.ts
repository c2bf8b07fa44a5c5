/** Makes the first tenant, and keeps its token where its owner finds it. */
import { asc, tenants } from "@heddle/db";
import type { AppDeps } from "../deps.ts";
import { createTenant, issueAdminToken } from "../tenancy/service.ts";
import { isKnownSecret } from "../tenancy/authenticate.ts";
import { readSecret, writeSecret } from "./secret-file.ts";

/**
 * The token in `file`, where the database knows it. Else a new one, for the oldest tenant or for a first one: who may
 * write to the data directory and reach its database is its owner.
 */
export async function firstToken(
  deps: Pick<AppDeps, "db" | "clock" | "random">,
  file: string,
  tenantName = "default",
): Promise<string> {
  const kept = await readSecret(file);
  if (kept !== undefined && (await isKnownSecret(deps.db, kept))) return kept;
  const [oldest] = await deps.db.asPlane((tx) =>
    tx.select({ id: tenants.id }).from(tenants).orderBy(asc(tenants.createdAt)).limit(1),
  );
  const token = oldest
    ? await issueAdminToken(deps, oldest.id)
    : (await createTenant(deps, tenantName)).token;
  await writeSecret(file, token);
  return token;
}
