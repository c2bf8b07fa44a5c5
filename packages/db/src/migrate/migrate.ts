/** Brings a database to the newest schema: safe to run at every start, and by several at once. */
import type { Connection, Driver } from "../drivers/driver.ts";
import type { Migration } from "./migrations.ts";

/** HDL1061: an applied migration is not the one that this version has. */
export class MigrationError extends Error {
  readonly code = "HDL1061";
  readonly remedy: string;

  constructor(detail: string, remedy: string) {
    super(detail);
    this.remedy = remedy;
    this.name = "MigrationError";
  }
}

/** Any number that nobody else in the database takes. */
const LOCK = 4_834_920_117;

/**
 * Applies what is missing, all in one transaction under one lock. Returns the numbers applied. Refuses a database that
 * a newer version has migrated, and one whose applied migrations differ from ours.
 */
export async function migrate(driver: Driver, migrations: readonly Migration[]): Promise<number[]> {
  return driver.lease(async (connection) => {
    // Mostly there is nothing to do, and then nothing is written: a plane starts on a full disk too.
    const known = await appliedTo(connection);
    check(known, migrations);
    if (known.length === migrations.length) return [];
    await connection.script("begin");
    try {
      await connection.rows("select pg_advisory_xact_lock($1)", [LOCK]);
      await connection.script(
        "create table if not exists heddle_migrations (number integer primary key, name text not null, hash text not null, applied_at timestamptz not null default now())",
      );
      const rows = await appliedTo(connection);
      check(rows, migrations);
      const missing = migrations.slice(rows.length);
      for (const migration of missing) {
        for (const statement of migration.statements) await connection.script(statement);
        await connection.rows(
          "insert into heddle_migrations (number, name, hash) values ($1, $2, $3)",
          [migration.number, migration.name, migration.hash],
        );
      }
      await connection.script("commit");
      return missing.map((migration) => migration.number);
    } catch (error) {
      await connection.script("rollback").catch(() => connection.discard());
      throw error;
    }
  });
}

type Applied = readonly [number: number, name: string, hash: string];

async function appliedTo(connection: Connection): Promise<Applied[]> {
  const [found] = await connection.rows("select to_regclass('heddle_migrations')::text", []);
  if (!found?.[0]) return [];
  const rows = await connection.rows(
    "select number, name, hash from heddle_migrations order by number",
    [],
  );
  return rows as unknown as Applied[];
}

function check(applied: readonly Applied[], ours: readonly Migration[]): void {
  for (const [index, [number, name, hash]] of applied.entries()) {
    const own = ours[index];
    if (!own)
      throw new MigrationError(
        `The database has migration ${number} (${name}), which this version does not know: it was used by a newer version.`,
        "Start that version.",
      );
    if (own.number !== number || own.hash !== hash)
      throw new MigrationError(
        `Migration ${number} (${name}) of the database is not the one of this version.`,
        "Restore the file as it was, and put the change into a new migration.",
      );
  }
}
