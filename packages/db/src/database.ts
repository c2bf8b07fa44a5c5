/** The one door to the database: transactions that are a tenant's, or the plane's own, and nothing in between. */
import { DrizzleQueryError } from "drizzle-orm";
import { drizzle, type PgRemoteDatabase } from "drizzle-orm/pg-proxy";
import type { Connection, Driver } from "./drivers/driver.ts";

/** A transaction, with the rights of whoever opened it. */
export type Tx = PgRemoteDatabase<Record<string, never>>;

export interface Database {
  /** Runs `work` in a transaction that sees and writes only one tenant's rows. Rolls back where it throws. */
  withTenant<T>(tenant: string, work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Runs `work` in a transaction with the plane's own rights: tenants, meshes, tokens and join tokens of everybody.
   * For authentication, enrollment and set-up; never for what a tenant asked.
   */
  asPlane<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** The driver's name, for logs: `pglite`, `postgres` or `neon`. */
  readonly kind: Driver["kind"];
  readonly driver: Driver;
  close(): Promise<void>;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Wraps a driver. Settings are local to each transaction, so a pooled connection carries nothing over. */
export function createDatabase(driver: Driver): Database {
  return {
    kind: driver.kind,
    driver,
    withTenant: (tenant, work) => {
      if (!UUID.test(tenant)) throw new TypeError(`Not a tenant id: ${JSON.stringify(tenant)}`);
      return transaction(
        driver,
        `begin; set local role heddle_tenant; set local heddle.tenant = '${tenant}'`,
        work,
      );
    },
    asPlane: (work) => transaction(driver, "begin; set local role heddle_plane", work),
    close: () => driver.close(),
  };
}

/**
 * Few round trips: the opening is sent ahead of the first statement without waiting, and what only read is answered
 * before its commit is.
 */
function transaction<T>(driver: Driver, opening: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    driver
      .lease(async (connection) => {
        const opened = connection.script(opening);
        // Awaited below; a failure until then must not count as unhandled.
        opened.catch(() => {});
        const seen = { writes: false };
        let result: T;
        try {
          result = await work(bind(connection, seen));
          await opened;
        } catch (error) {
          await connection.script("rollback").catch(() => connection.discard());
          await opened;
          throw withoutParameters(error);
        }
        if (!seen.writes) resolve(result);
        await connection.script("commit");
        resolve(result);
      })
      .catch(reject);
  });
}

/** Drizzle's own error tells every parameter, documents and sealed keys among them: that must not reach a log. */
function withoutParameters(error: unknown): unknown {
  return error instanceof DrizzleQueryError ? (error.cause ?? new Error("A query failed.")) : error;
}

/** Statements that change nothing and lock nothing. */
const READ = /^\s*select\b(?!.*\bfor (update|share|no key update|key share)\b)/is;

function bind(connection: Connection, seen: { writes: boolean }): Tx {
  return drizzle(async (text, params, method) => {
    seen.writes ||= !READ.test(text);
    const rows =
      method === "execute"
        ? await connection.records(text, params)
        : await connection.rows(text, params);
    return { rows: rows as unknown[] };
  });
}
