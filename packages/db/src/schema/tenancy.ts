/** Tenants, their meshes, and the tokens that open them. */
import {
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { instant, planePolicy, tenantColumn, tenantPolicy } from "./columns.ts";

export const tenants = pgTable(
  "tenants",
  {
    id: uuid("id").primaryKey(),
    name: text("name").notNull().unique(),
    createdAt: instant("created_at").notNull(),
  },
  () => [tenantPolicy("tenants", "id"), planePolicy("tenants")],
).enableRLS();

/** What a mesh's owner has chosen; everything has a default. */
export interface StoredMeshSettings {
  /** Share of requests traced, 0 to 100. */
  traceSampling?: number | undefined;
  accessLog?: boolean | undefined;
  outboundTrafficPolicy?: "ALLOW_ANY" | "REGISTRY_ONLY" | undefined;
  rootNamespace?: string | undefined;
  clusterDomain?: string | undefined;
  ingressClass?: string | undefined;
  ingressControllerMode?: "OFF" | "DEFAULT" | "STRICT" | undefined;
  ingressSelector?: string | undefined;
  ingressService?: string | undefined;
  trustDomainAliases?: string[] | undefined;
  onDemand?: "AUTO" | "ALWAYS" | "NEVER" | undefined;
  /** As they were written; each was read before it was stored. */
  extensionProviders?: readonly object[] | undefined;
}

export const meshes = pgTable(
  "meshes",
  {
    id: uuid("id").primaryKey(),
    tenantId: tenantColumn().references(() => tenants.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    trustDomain: text("trust_domain").notNull(),
    settings: jsonb("settings").$type<StoredMeshSettings>().notNull().default({}),
    /** Number of the newest revision; 0 before the first. Locked by whoever makes the next one. */
    revision: integer("revision").notNull().default(0),
    /** State root after that revision, hexadecimal. */
    stateRoot: text("state_root").notNull(),
    /** Hash of that revision's header, hexadecimal; empty before the first. */
    headHash: text("head_hash").notNull().default(""),
    createdAt: instant("created_at").notNull(),
  },
  (t) => [
    unique("meshes_tenant_name").on(t.tenantId, t.name),
    unique("meshes_id_tenant").on(t.id, t.tenantId),
    tenantPolicy("meshes"),
    planePolicy("meshes"),
  ],
).enableRLS();

export type Scope = "read" | "write" | "admin" | "agent";

export const tokens = pgTable(
  "tokens",
  {
    id: uuid("id").primaryKey(),
    tenantId: tenantColumn().references(() => tenants.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    /** SHA-256 of the secret, hexadecimal. The secret has 256 bits of entropy, so nothing slower is needed. */
    hash: text("hash").notNull(),
    scopes: text("scopes").array().$type<Scope[]>().notNull(),
    /** The one mesh that the token opens; all of the tenant's where null. */
    meshId: uuid("mesh_id"),
    /** Set on the token that an agent got when it enrolled. */
    agentId: uuid("agent_id"),
    createdAt: instant("created_at").notNull(),
    expiresAt: instant("expires_at"),
    revokedAt: instant("revoked_at"),
    lastUsedAt: instant("last_used_at"),
  },
  (t) => [
    foreignKey({
      name: "tokens_mesh",
      columns: [t.meshId, t.tenantId],
      foreignColumns: [meshes.id, meshes.tenantId],
    }).onDelete("cascade"),
    uniqueIndex("tokens_hash").on(t.hash),
    index("tokens_tenant").on(t.tenantId, t.createdAt),
    tenantPolicy("tokens"),
    planePolicy("tokens"),
  ],
).enableRLS();

/** Answers already given to a write with an `Idempotency-Key`, so that a repeat gets the same one. */
export const idempotencyKeys = pgTable(
  "idempotency_keys",
  {
    tenantId: tenantColumn().references(() => tenants.id, { onDelete: "cascade" }),
    /** SHA-256 over token, method, path and the key that the caller sent. */
    id: text("id").notNull(),
    /** SHA-256 of the request's body: the same key with another body is a mistake. */
    requestHash: text("request_hash").notNull(),
    status: integer("status").notNull(),
    response: jsonb("response").notNull(),
    createdAt: instant("created_at").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    index("idempotency_keys_age").on(t.createdAt),
    tenantPolicy("idempotency_keys"),
  ],
).enableRLS();
