/** Making tenants, meshes and tokens. */
import { tenants, type Scope, type StoredMeshSettings } from "@heddle/db";
import type { MeshInfo, MeshSettings, TokenInfo } from "@heddle/client";
import { convergenceOf } from "../config/convergence.ts";
import type { AppDeps, MeshRecord } from "../deps.ts";
import { decodeCursor, pageOf } from "../http/cursor.ts";
import { problem } from "../http/problem.ts";
import type { Actor } from "../http/router.ts";
import { forgetTokens } from "./authenticate.ts";
import { partnersOf } from "../pki/federated-meshes.ts";
import { deleteMesh, findMesh, insertMesh, listMeshes } from "./mesh-store.ts";
import { createSecret, hashSecret } from "./secret.ts";
import {
  insertToken,
  listTokens,
  revokeToken,
  type NewToken,
  type TokenRecord,
} from "./token-store.ts";

export interface PageRequest {
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/** A new tenant with one token of scope `admin`. The secret is in the answer and nowhere else. */
export async function createTenant(
  deps: Pick<AppDeps, "db" | "clock" | "random">,
  name: string,
): Promise<{ tenant: string; token: string }> {
  const tenant = crypto.randomUUID();
  const createdAt = new Date(deps.clock());
  const { token, row } = await adminToken(deps, tenant);
  await deps.db.asPlane(async (tx) => {
    await tx.insert(tenants).values({ id: tenant, name, createdAt });
    await insertToken(tx, row);
  });
  return { tenant, token };
}

/** Another token of scope `admin` for a tenant that is there. Only for whoever runs the plane. */
export async function issueAdminToken(
  deps: Pick<AppDeps, "db" | "clock" | "random">,
  tenant: string,
): Promise<string> {
  const { token, row } = await adminToken(deps, tenant);
  await deps.db.asPlane((tx) => insertToken(tx, row));
  return token;
}

async function adminToken(deps: Pick<AppDeps, "clock" | "random">, tenant: string) {
  const token = createSecret(deps.random);
  const row: NewToken = {
    id: crypto.randomUUID(),
    tenantId: tenant,
    name: "admin",
    hash: await hashSecret(token),
    scopes: ["admin"],
    meshId: null,
    agentId: null,
    createdAt: new Date(deps.clock()),
    expiresAt: null,
  };
  return { token, row };
}

/** HDL1024 where the tenant has a mesh of that name. */
export async function createMesh(
  deps: AppDeps,
  actor: Actor,
  wanted: {
    name: string;
    trustDomain?: string | undefined;
    settings?: StoredMeshSettings | undefined;
  },
): Promise<MeshInfo> {
  if (actor.meshes) throw problem("HDL1015", "A token for one mesh cannot make another.");
  const mesh = await deps.db.withTenant(actor.tenant, (tx) =>
    insertMesh(tx, {
      id: crypto.randomUUID(),
      tenant: actor.tenant,
      name: wanted.name,
      trustDomain: wanted.trustDomain ?? `${wanted.name}.mesh.internal`,
      settings: wanted.settings ?? {},
      createdAt: new Date(deps.clock()),
    }),
  );
  if (!mesh) throw problem("HDL1024", `There is a mesh ${JSON.stringify(wanted.name)} already.`);
  return meshInfo(deps, mesh);
}

export async function pageOfMeshes(deps: AppDeps, actor: Actor, page: PageRequest) {
  const after =
    page.cursor === undefined ? undefined : String(decodeCursor(page.cursor, ["string"])[0]);
  const found = await deps.db.withTenant(actor.tenant, (tx) =>
    listMeshes(tx, { after, limit: page.limit + 1, only: actor.meshes }),
  );
  const { items, ...rest } = pageOf(found, page.limit, (mesh) => [mesh.name]);
  return { items: await Promise.all(items.map((mesh) => meshInfo(deps, mesh))), ...rest };
}

export async function meshInfo(deps: AppDeps, mesh: MeshRecord): Promise<MeshInfo> {
  return {
    id: mesh.id,
    name: mesh.name,
    trustDomain: mesh.trustDomain,
    createdAt: mesh.createdAt.toISOString(),
    revision: mesh.revision,
    convergence: await convergenceOf(deps, mesh, mesh.revision),
    // What is stored was read by its schema.
    settings: mesh.settings as MeshSettings,
  };
}

export async function removeMesh(deps: AppDeps, mesh: MeshRecord): Promise<void> {
  // Meshes that federate with it are to take its identities no longer.
  const partners = await partnersOf(deps, mesh);
  await deps.db.withTenant(mesh.tenant, (tx) => deleteMesh(tx, mesh));
  for (const partner of partners) await deps.rooms.room(partner.mesh).authorityChanged?.();
}

/** HDL1020 where the mesh is not the tenant's, HDL1015 where the caller's own token does not reach it. */
export async function createToken(
  deps: AppDeps,
  actor: Actor,
  wanted: {
    name: string;
    scopes: Scope[];
    mesh?: string | undefined;
    expiresInSeconds?: number | undefined;
  },
): Promise<TokenInfo & { token: string }> {
  const mesh =
    wanted.mesh === undefined ? undefined : await findMesh(deps.db, actor.tenant, wanted.mesh);
  if (wanted.mesh !== undefined && (!mesh || (actor.meshes && !actor.meshes.includes(mesh.id))))
    throw problem("HDL1020", `There is no mesh ${JSON.stringify(wanted.mesh)}.`);
  if (actor.meshes && !mesh)
    throw problem("HDL1015", "A token for one mesh makes tokens for that mesh only: name it.");
  const secret = createSecret(deps.random);
  const hash = await hashSecret(secret);
  const now = deps.clock();
  const row = await deps.db.withTenant(actor.tenant, (tx) =>
    insertToken(tx, {
      id: crypto.randomUUID(),
      tenantId: actor.tenant,
      name: wanted.name,
      hash,
      scopes: [...new Set(wanted.scopes)],
      meshId: mesh?.id ?? null,
      agentId: null,
      createdAt: new Date(now),
      expiresAt:
        wanted.expiresInSeconds === undefined
          ? null
          : new Date(now + wanted.expiresInSeconds * 1000),
    }),
  );
  return { ...tokenInfo(row), token: secret };
}

export async function pageOfTokens(deps: AppDeps, actor: Actor, page: PageRequest) {
  const position =
    page.cursor === undefined ? undefined : decodeCursor(page.cursor, ["string", "string"]);
  const after = position && { createdAt: isoOf(position[0]), id: uuidOf(position[1]) };
  const rows = await deps.db.withTenant(actor.tenant, (tx) =>
    listTokens(tx, { after, limit: page.limit + 1, mesh: actor.meshes?.[0] }),
  );
  const { items, ...rest } = pageOf(rows, page.limit, (row) => [
    row.createdAt.toISOString(),
    row.id,
  ]);
  return { items: items.map(tokenInfo), ...rest };
}

/** HDL1023 where there is none that the caller may see. */
export async function removeToken(deps: AppDeps, actor: Actor, id: string): Promise<void> {
  const found = await deps.db.withTenant(actor.tenant, (tx) =>
    revokeToken(tx, { id, mesh: actor.meshes?.[0] }, new Date(deps.clock())),
  );
  forgetTokens(deps.db);
  if (!found) throw problem("HDL1023", `There is no token ${id}.`);
}

function tokenInfo(row: TokenRecord): TokenInfo {
  return {
    id: row.id,
    name: row.name,
    scopes: row.scopes,
    ...(row.meshId ? { mesh: row.meshId } : {}),
    ...(row.agentId ? { agent: row.agentId } : {}),
    createdAt: row.createdAt.toISOString(),
    ...(row.expiresAt ? { expiresAt: row.expiresAt.toISOString() } : {}),
    ...(row.revokedAt ? { revokedAt: row.revokedAt.toISOString() } : {}),
    ...(row.lastUsedAt ? { lastUsedAt: row.lastUsedAt.toISOString() } : {}),
  };
}

function isoOf(value: string | number | undefined): string {
  const time = new Date(String(value));
  if (Number.isNaN(time.getTime()))
    throw problem("HDL1025", "This cursor was not made by this list.");
  return time.toISOString();
}

function uuidOf(value: string | number | undefined): string {
  if (!/^[0-9a-f-]{36}$/.test(String(value)))
    throw problem("HDL1025", "This cursor was not made by this list.");
  return String(value);
}
