/** The other trust domains whose identities a mesh takes, and what others follow of its own. */
import { integer, jsonb, pgTable, primaryKey, text, uuid } from "drizzle-orm/pg-core";
import { instant, tenantColumn, tenantPolicy } from "./columns.ts";
import { meshReference } from "./mesh-reference.ts";

/** Where the trust bundle of another trust domain comes from. */
export type FederationSource =
  /** A mesh of this plane, by its id; counts while that mesh has declared this one. */
  | { readonly kind: "mesh"; readonly mesh: string }
  /** A SPIFFE bundle endpoint that agents ask. */
  | { readonly kind: "endpoint"; readonly profile: "https_web"; readonly url: string }
  | {
      readonly kind: "endpoint";
      readonly profile: "https_spiffe";
      readonly url: string;
      /** Whose certificate the endpoint shows. */
      readonly endpointSpiffeId: string;
      /** PEM of the roots that it is known by at first. */
      readonly bootstrap: string;
    }
  /** PEM of the roots, which somebody has given. */
  | { readonly kind: "bundle"; readonly bundle: string };

export const federations = pgTable(
  "federations",
  {
    meshId: uuid("mesh_id").notNull(),
    tenantId: tenantColumn(),
    /** The other one's. */
    trustDomain: text("trust_domain").notNull(),
    source: jsonb("source").$type<FederationSource>().notNull(),
    createdAt: instant("created_at").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.meshId, t.trustDomain] }),
    meshReference("federations", t),
    tenantPolicy("federations"),
  ],
).enableRLS();

/** Numbers the trust bundles that a mesh has had, as those who follow it are told: `spiffe_sequence`. */
export const bundleSequences = pgTable(
  "bundle_sequences",
  {
    meshId: uuid("mesh_id").notNull(),
    tenantId: tenantColumn(),
    /** Of the newest one, from 1. */
    sequence: integer("sequence").notNull(),
    /** SHA-256 over its roots, hexadecimal. */
    digest: text("digest").notNull(),
    changedAt: instant("changed_at").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.meshId] }),
    meshReference("bundle_sequences", t),
    tenantPolicy("bundle_sequences"),
  ],
).enableRLS();
