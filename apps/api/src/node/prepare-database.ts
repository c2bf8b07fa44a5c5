/** `DATABASE_URL=… node prepare-database.ts`: migrates a database for the Worker and prints the first tenant's token, which is shown only now. */
import { randomBytes } from "node:crypto";
import { createDatabase, tenants } from "@heddle/db";
import { migrate, postgresDriver, readMigrations } from "@heddle/db/node";
import { createTenant } from "../tenancy/service.ts";

const url = process.env["DATABASE_URL"];
if (!url) {
  process.stderr.write("DATABASE_URL is not set: say which database to prepare.\n");
  process.exit(2);
}
const driver = postgresDriver({ url, connections: 1 });
const applied = await migrate(driver, readMigrations());
process.stdout.write(`migrations applied: ${applied.join(", ") || "none, all are there"}\n`);
const db = createDatabase(driver);
const known = await db.asPlane((tx) => tx.select({ name: tenants.name }).from(tenants).limit(1));
if (known.length === 0) {
  const { token } = await createTenant(
    { db, clock: Date.now, random: (size) => new Uint8Array(randomBytes(size)) },
    process.argv[2] ?? "default",
  );
  process.stdout.write(`first tenant's token: ${token}\n`);
}
await db.close();
