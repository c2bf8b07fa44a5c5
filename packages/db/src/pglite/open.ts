/**
 * Opens a data directory. A first start of Postgres takes seconds, so a migrated directory is made once, kept in a cache
 * and copied from there.
 */
import { cpSync } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Driver } from "../drivers/driver.ts";
import { migrate } from "../migrate/migrate.ts";
import { readMigrations, type Migration } from "../migrate/migrations.ts";
import { lockDirectory } from "./directory-lock.ts";
import { pgliteDriver } from "./driver.ts";

export interface PgliteOptions {
  /** Where the data is kept; a directory of its own that goes at close where undefined. */
  readonly directory?: string;
  /** Where prepared directories are kept; `.heddle/cache` beside the data directory unless told. */
  readonly cache?: string;
  /** Commits reach the disk before they are answered; true unless told. */
  readonly durable?: boolean;
}

/** A migrated database. Refuses a directory that another process holds with `DirectoryLockedError`. */
export async function openPglite(options: PgliteOptions = {}): Promise<Driver> {
  const kept = options.directory !== undefined;
  const root = path.resolve(options.directory ?? path.join(tmpdir(), `heddle-${randomUUID()}`));
  const unlock = lockDirectory(root);
  try {
    const directory = path.join(root, "postgres");
    const migrations = readMigrations();
    const cache = options.cache ?? defaultCache(root, kept);
    if (!(await exists(path.join(directory, "PG_VERSION"))))
      await copyWhole(await prepared(cache, migrations), directory);
    const release = () => {
      unlock();
      if (!kept) void rm(root, { recursive: true, force: true });
    };
    const driver = await pgliteDriver({
      directory,
      durable: kept && (options.durable ?? true),
      release,
    });
    try {
      await migrate(driver, migrations);
    } catch (error) {
      await driver.close();
      throw error;
    }
    return driver;
  } catch (error) {
    unlock();
    throw error;
  }
}

function defaultCache(root: string, kept: boolean): string {
  if (!kept) return path.join(tmpdir(), "heddle-cache");
  const parent = path.dirname(root);
  return path.basename(parent) === ".heddle"
    ? path.join(parent, "cache")
    : path.join(parent, ".heddle/cache");
}

/** A migrated directory for this version of PGlite and these migrations; made where the cache has none. */
async function prepared(cache: string, migrations: readonly Migration[]): Promise<string> {
  const directory = path.join(cache, `postgres-${cacheKey(migrations)}`);
  if (await exists(directory)) return directory;
  await mkdir(cache, { recursive: true });
  const draft = `${directory}.${randomUUID()}`;
  const driver = await pgliteDriver({ directory: draft, durable: false });
  try {
    await migrate(driver, migrations);
  } finally {
    await driver.close();
  }
  await renameInto(draft, directory);
  return directory;
}

/** So that a copy that was cut short is never taken for a whole one. */
async function copyWhole(from: string, to: string): Promise<void> {
  const draft = `${to}.${randomUUID()}`;
  // Some 1,000 small files: four times as fast as asynchronously, and nobody is served yet.
  cpSync(from, draft, { recursive: true });
  await rename(draft, to);
  // Nothing in it is anybody's yet: it may reach the disk while the plane already serves.
  if (process.platform === "linux")
    spawn("sync", ["-f", to], { stdio: "ignore" }).on("error", () => {});
}

/** Another process may have made the same meanwhile. */
async function renameInto(draft: string, directory: string): Promise<void> {
  try {
    await rename(draft, directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
    await rm(draft, { recursive: true, force: true });
  }
}

function cacheKey(migrations: readonly Migration[]): string {
  const require = createRequire(import.meta.url);
  const hash = createHash("sha256").update(require.resolve("@electric-sql/pglite"));
  for (const migration of migrations) hash.update(migration.hash);
  return hash.digest("hex").slice(0, 16);
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
