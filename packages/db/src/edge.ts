/** The drivers that run in a Worker. */
export { neonDriver, type NeonOptions } from "./drivers/neon.ts";
export { postgresDriver, type PostgresOptions } from "./drivers/postgres.ts";
