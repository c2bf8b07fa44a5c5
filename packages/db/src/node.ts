/** The drivers and the migrator, for Node. */
export { DatabaseError } from "./pglite/driver.ts";
export { openPglite, type PgliteOptions } from "./pglite/open.ts";
export { DirectoryLockedError, lockDirectory } from "./pglite/directory-lock.ts";
export { postgresDriver, type PostgresOptions } from "./drivers/postgres.ts";
export { neonDriver, type NeonOptions } from "./drivers/neon.ts";
export { migrate, MigrationError } from "./migrate/migrate.ts";
export { readMigrations, type Migration } from "./migrate/migrations.ts";
