/** The one door to the database: transactions that are a tenant's, or the plane's own, and nothing in between. */
import { drizzle, type PgRemoteDatabase } from "drizzle-orm/pg-proxy";
import type { Connection, Driver } from "./drivers/driver.ts";
import * as schema from "./schema/index.ts";

/** A transaction, with the rights of whoever opened it. */
export type Tx = PgRemoteDatabase<typeof schema>;

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

function transaction<T>(driver: Driver, opening: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  return driver.lease(async (connection) => {
    await connection.script(opening);
    let result: T;
    try {
      result = await work(bind(connection));
    } catch (error) {
      await connection.script("rollback").catch(() => connection.discard());
      throw error;
    }
    await connection.script("commit");
    return result;
  });
}

function bind(connection: Connection): Tx {
  return drizzle(
    async (text, params, method) => ({
      rows:
        method === "execute"
          ? await connection.records(text, params)
          : ((await connection.rows(text, params)) as unknown[]),
    }),
    { schema },
  );
}
