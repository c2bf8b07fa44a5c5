/** The database: schema, drivers, migrations and the door to tenants' rows. */
export * from "./schema/index.ts";
export { createDatabase, type Database, type Tx } from "./database.ts";
export type { Connection, Driver } from "./drivers/driver.ts";
export {
  and,
  arrayContained,
  asc,
  count,
  desc,
  eq,
  exists,
  gt,
  gte,
  inArray,
  isNotNull,
  isNull,
  like,
  lt,
  lte,
  max,
  ne,
  not,
  or,
  sql,
  type InferSelectModel,
  type SQL,
} from "drizzle-orm";
