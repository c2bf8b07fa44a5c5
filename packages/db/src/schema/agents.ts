/** Agents, how they join, what they have acknowledged, and the keys that a mesh signs with. */
import {
  boolean,
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
import { meshReference } from "./mesh-reference.ts";

export const agents = pgTable(
  "agents",
  {
    id: uuid("id").primaryKey(),
    tenantId: tenantColumn(),
    meshId: uuid("mesh_id").notNull(),
    name: text("name").notNull(),
    /** Raw Ed25519 or SPKI in base64, where the agent sent one. */
    publicKey: text("public_key"),
    /** The namespaces whose workloads it may have certificates for; all where null. */
    namespaces: text("namespaces").array(),
    version: text("version").notNull().default(""),
    features: jsonb("features").$type<string[]>().notNull().default([]),
    connected: boolean("connected").notNull().default(false),
    connectedAt: instant("connected_at"),
    lastSeenAt: instant("last_seen_at"),
    /** The newest revision that all of its proxies have acknowledged. */
    acknowledged: integer("acknowledged").notNull().default(0),
    /** Its newest summary of services, workloads and objects of the cluster. */
    summary: jsonb("summary"),
    createdAt: instant("created_at").notNull(),
  },
  (t) => [
    unique("agents_mesh_name").on(t.meshId, t.name),
    meshReference("agents", t),
    tenantPolicy("agents"),
  ],
).enableRLS();

/** One-time tokens with which an agent enrolls. */
export const joinTokens = pgTable(
  "join_tokens",
  {
    id: uuid("id").primaryKey(),
    tenantId: tenantColumn(),
    meshId: uuid("mesh_id").notNull(),
    name: text("name").notNull(),
    /** SHA-256 of the secret, hexadecimal. */
    hash: text("hash").notNull(),
    /** Those of the agent that joins with it. */
    namespaces: text("namespaces").array(),
    createdAt: instant("created_at").notNull(),
    expiresAt: instant("expires_at").notNull(),
    usedAt: instant("used_at"),
    usedBy: uuid("used_by"),
    revokedAt: instant("revoked_at"),
  },
  (t) => [
    uniqueIndex("join_tokens_hash").on(t.hash),
    meshReference("join_tokens", t),
    tenantPolicy("join_tokens"),
    planePolicy("join_tokens"),
  ],
).enableRLS();

/** How far an agent's proxies are with a revision. */
export const acknowledgements = pgTable(
  "acknowledgements",
  {
    meshId: uuid("mesh_id").notNull(),
    tenantId: tenantColumn(),
    number: integer("number").notNull(),
    agentId: uuid("agent_id")
      .notNull()
      .references(() => agents.id, { onDelete: "cascade" }),
    /** Proxies that need the revision. */
    proxies: integer("proxies").notNull(),
    acknowledged: integer("acknowledged").notNull(),
    /** By name, who has not acknowledged. */
    laggards: jsonb("laggards").$type<string[]>().notNull().default([]),
    /** What proxies refused, and why. */
    rejections: jsonb("rejections").$type<unknown[]>().notNull().default([]),
    updatedAt: instant("updated_at").notNull(),
    /** When all of them had acknowledged. */
    completedAt: instant("completed_at"),
  },
  (t) => [
    primaryKey({ columns: [t.meshId, t.number, t.agentId] }),
    meshReference("acknowledgements", t),
    tenantPolicy("acknowledgements"),
  ],
).enableRLS();

/** Ed25519 keys that sign revision headers. The newest without `retiredAt` signs. */
export const signingKeys = pgTable(
  "signing_keys",
  {
    /** The key's id, as it stands in revisions. */
    id: text("id").notNull(),
    tenantId: tenantColumn(),
    meshId: uuid("mesh_id").notNull(),
    /** Raw public key, base64url. */
    publicKey: text("public_key").notNull(),
    /** The private key under the envelope key. */
    wrappedKey: text("wrapped_key").notNull(),
    /** The signature of this key by the one before it, base64url; empty for the first. */
    endorsement: text("endorsement").notNull().default(""),
    createdAt: instant("created_at").notNull(),
    retiredAt: instant("retired_at"),
  },
  (t) => [
    primaryKey({ columns: [t.meshId, t.id] }),
    meshReference("signing_keys", t),
    tenantPolicy("signing_keys"),
  ],
).enableRLS();
