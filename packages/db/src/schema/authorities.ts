/** A mesh's certificate authorities, and how it goes from one to another. */
import { sql } from "drizzle-orm";
import {
  boolean,
  index,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from "drizzle-orm/pg-core";
import { instant, tenantColumn, tenantPolicy } from "./columns.ts";
import { meshReference } from "./mesh-reference.ts";

/** Roots of a mesh, and intermediates that its tenant's own root has signed. In force from `activatedAt` to `retiredAt`. */
export const certificateAuthorities = pgTable(
  "certificate_authorities",
  {
    id: uuid("id").primaryKey(),
    tenantId: tenantColumn(),
    meshId: uuid("mesh_id").notNull(),
    /** `intermediate`: the tenant keeps the root. */
    kind: text("kind").$type<"root" | "intermediate">().notNull(),
    /** PEM; an intermediate's with its chain behind it, without the root. */
    certificate: text("certificate").notNull(),
    /** PEM of the tenant's root that an intermediate leads to; empty for a root, which is its own. */
    root: text("root").notNull().default(""),
    /** The private key under the envelope key; empty once it is retired. */
    wrappedKey: text("wrapped_key").notNull(),
    notBefore: instant("not_before").notNull(),
    notAfter: instant("not_after").notNull(),
    createdAt: instant("created_at").notNull(),
    activatedAt: instant("activated_at"),
    retiredAt: instant("retired_at"),
  },
  (t) => [
    index("certificate_authorities_mesh").on(t.meshId, t.kind, t.createdAt),
    meshReference("certificate_authorities", t),
    tenantPolicy("certificate_authorities"),
  ],
).enableRLS();

/** The request for an intermediate that waits for the tenant's signature: one of each mesh at most. */
export const authorityRequests = pgTable(
  "authority_requests",
  {
    meshId: uuid("mesh_id").notNull(),
    tenantId: tenantColumn(),
    /** PEM. */
    request: text("request").notNull(),
    /** The private key under the envelope key. */
    wrappedKey: text("wrapped_key").notNull(),
    createdAt: instant("created_at").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.meshId] }),
    meshReference("authority_requests", t),
    tenantPolicy("authority_requests"),
  ],
).enableRLS();

/** Rotations from one authority to another: of each mesh one at most that has not ended. */
export const rootRotations = pgTable(
  "root_rotations",
  {
    id: uuid("id").primaryKey(),
    tenantId: tenantColumn(),
    meshId: uuid("mesh_id").notNull(),
    /** The authorities that it leads from and to; exchanged when it is turned around. */
    fromId: uuid("from_id").notNull(),
    toId: uuid("to_id").notNull(),
    step: text("step").$type<"trusting" | "reissuing" | "withdrawing">().notNull(),
    /** Goes on by itself when everybody has followed a step. */
    automatic: boolean("automatic").notNull(),
    /** It leads back to where it came from. */
    backwards: boolean("backwards").notNull().default(false),
    /** Nobody is waited for longer than a moment: something was revoked. */
    urgent: boolean("urgent").notNull().default(false),
    /** Who was not waited for, as somebody has decided. */
    forced: jsonb("forced")
      .$type<{ agent: string; proxy?: string; reason: string }[]>()
      .notNull()
      .default([]),
    startedAt: instant("started_at").notNull(),
    /** When its step began. */
    steppedAt: instant("stepped_at").notNull(),
    endedAt: instant("ended_at"),
  },
  (t) => [
    uniqueIndex("root_rotations_open")
      .on(t.meshId)
      .where(sql`ended_at is null`),
    index("root_rotations_mesh").on(t.meshId, t.startedAt),
    meshReference("root_rotations", t),
    tenantPolicy("root_rotations"),
  ],
).enableRLS();

/** Agents and workloads that nobody is to take any more. */
export const revocations = pgTable(
  "revocations",
  {
    id: uuid("id").primaryKey(),
    tenantId: tenantColumn(),
    meshId: uuid("mesh_id").notNull(),
    kind: text("kind").$type<"agent" | "workload">().notNull(),
    /** An agent's name, or a SPIFFE id. */
    subject: text("subject").notNull(),
    reason: text("reason").notNull(),
    createdAt: instant("created_at").notNull(),
    /** When a rotation that began after it was over: what was signed before is refused from then on. */
    effectiveAt: instant("effective_at"),
    /** When a workload was let in again. */
    liftedAt: instant("lifted_at"),
  },
  (t) => [
    index("revocations_mesh").on(t.meshId, t.createdAt),
    meshReference("revocations", t),
    tenantPolicy("revocations"),
  ],
).enableRLS();
