/** For tests: every kind of database that the plane runs on here, each by name. */
import { afterAll, beforeAll, describe } from "vitest";
import { openPglite } from "../pglite/open.ts";
import { createDatabase, type Database } from "../database.ts";
import { migrate } from "../migrate/migrate.ts";
import { readMigrations } from "../migrate/migrations.ts";
import { postgresDriver } from "../drivers/postgres.ts";
import { startPostgres, type RealPostgres } from "./real-postgres.ts";

/** Runs the same tests on PGlite and on a real Postgres whose login is no superuser. */
export function onEveryDatabase(name: string, tests: (database: () => Database) => void): void {
  describe(`${name} on PGlite`, () => {
    let database: Database;
    beforeAll(async () => {
      database = createDatabase(await openPglite());
    });
    afterAll(() => database?.close());
    tests(() => database);
  });
  describe(`${name} on Postgres`, () => {
    let server: RealPostgres | undefined;
    let database: Database;
    beforeAll(async () => {
      server = await startPostgres();
      const driver = postgresDriver({ url: await server.database("plane") });
      await migrate(driver, readMigrations());
      database = createDatabase(driver);
    });
    afterAll(async () => {
      await database?.close();
      await server?.stop();
    });
    tests(() => database);
  });
}
