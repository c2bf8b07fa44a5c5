/** Column shapes and the row-level security policies that every tenant table shares. */
import { sql } from "drizzle-orm";
import { pgPolicy, pgRole, timestamp, uuid } from "drizzle-orm/pg-core";

/** Reads and writes one tenant's rows: the role behind `withTenant`. Created by the first migration, cannot log in. */
export const tenantRole = pgRole("heddle_tenant").existing();

/**
 * Answers the questions that come before a tenant is known (whose token is this?) and makes the first tenant: the role
 * behind `asPlane`. Created by the first migration, cannot log in.
 */
export const planeRole = pgRole("heddle_plane").existing();

/** An instant with microseconds, in UTC. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });

/** The tenant a row belongs to, which its policy compares with the transaction's own. */
export const tenantColumn = () => uuid("tenant_id").notNull();

/** Rows of other tenants do not exist for a tenant. */
export const tenantPolicy = (table: string, column = "tenant_id") =>
  pgPolicy(`${table}_tenant`, {
    as: "permissive",
    for: "all",
    to: tenantRole,
    using: sql.raw(`"${column}" = nullif(current_setting('heddle.tenant', true), '')::uuid`),
    withCheck: sql.raw(`"${column}" = nullif(current_setting('heddle.tenant', true), '')::uuid`),
  });

/** The plane itself sees every row; given only to the tables that authentication and set-up need. */
export const planePolicy = (table: string) =>
  pgPolicy(`${table}_plane`, {
    as: "permissive",
    for: "all",
    to: planeRole,
    using: sql`true`,
    withCheck: sql`true`,
  });
