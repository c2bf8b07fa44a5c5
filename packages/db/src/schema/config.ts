/** A mesh's objects as they are, and its revisions: how they came to be so. */
import {
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uuid,
} from "drizzle-orm/pg-core";
import { instant, tenantColumn, tenantPolicy } from "./columns.ts";
import { meshReference } from "./mesh-reference.ts";

/** The objects of a mesh after its newest revision. */
export const objects = pgTable(
  "objects",
  {
    meshId: uuid("mesh_id").notNull(),
    tenantId: tenantColumn(),
    /** `group/Kind/namespace/name` */
    key: text("key").notNull(),
    group: text("group").notNull(),
    kind: text("kind").notNull(),
    namespace: text("namespace").notNull(),
    name: text("name").notNull(),
    document: jsonb("document").notNull(),
    /** SHA-256 of the document's canonical form, hexadecimal. */
    hash: text("hash").notNull(),
    /** `hosted`, or `cluster:<agent>` for what kubectl owns. */
    owner: text("owner").notNull(),
    /** The revision that last changed it. */
    revision: integer("revision").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.meshId, t.key] }),
    index("objects_kind").on(t.meshId, t.kind, t.namespace),
    meshReference("objects", t),
    tenantPolicy("objects"),
  ],
).enableRLS();

export const revisions = pgTable(
  "revisions",
  {
    meshId: uuid("mesh_id").notNull(),
    tenantId: tenantColumn(),
    number: integer("number").notNull(),
    parent: integer("parent").notNull(),
    /** The time in the signed header, to the millisecond. */
    createdAt: instant("created_at").notNull(),
    author: text("author").notNull(),
    message: text("message").notNull(),
    stateRoot: text("state_root").notNull(),
    parentHash: text("parent_hash").notNull(),
    /** SHA-256 of the header's bytes, hexadecimal: what the next revision names as its parent. */
    hash: text("hash").notNull(),
    /** Ed25519 over the header's bytes, base64url. */
    signature: text("signature").notNull(),
    /** The signing key's id. */
    keyId: text("key_id").notNull(),
    rollbackOf: integer("rollback_of"),
    /** When the last proxy that needs it had acknowledged it. */
    convergedAt: instant("converged_at"),
  },
  (t) => [
    primaryKey({ columns: [t.meshId, t.number] }),
    meshReference("revisions", t),
    tenantPolicy("revisions"),
  ],
).enableRLS();

export const revisionChanges = pgTable(
  "revision_changes",
  {
    meshId: uuid("mesh_id").notNull(),
    tenantId: tenantColumn(),
    number: integer("number").notNull(),
    key: text("key").notNull(),
    action: text("action").$type<"created" | "configured" | "deleted">().notNull(),
    before: jsonb("before"),
    after: jsonb("after"),
    beforeHash: text("before_hash"),
    afterHash: text("after_hash"),
    /** Who owned the object after the change; before it, where deleted. */
    owner: text("owner").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.meshId, t.number, t.key] }),
    foreignKey({
      name: "revision_changes_revision",
      columns: [t.meshId, t.number],
      foreignColumns: [revisions.meshId, revisions.number],
    }).onDelete("cascade"),
    index("revision_changes_key").on(t.meshId, t.key, t.number),
    tenantPolicy("revision_changes"),
  ],
).enableRLS();

/** Immutable content that agents fetch by hash. */
export const bundles = pgTable(
  "bundles",
  {
    meshId: uuid("mesh_id").notNull(),
    tenantId: tenantColumn(),
    /** SHA-256 of the content, hexadecimal. */
    hash: text("hash").notNull(),
    /** `change`: one revision; `snapshot`: all objects after it. */
    kind: text("kind").$type<"change" | "snapshot">().notNull(),
    number: integer("number").notNull(),
    content: text("content").notNull(),
    createdAt: instant("created_at").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.meshId, t.hash] }),
    index("bundles_number").on(t.meshId, t.number, t.kind),
    meshReference("bundles", t),
    tenantPolicy("bundles"),
  ],
).enableRLS();
