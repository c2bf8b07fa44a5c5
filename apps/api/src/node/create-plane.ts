/** Everything of a plane on Node but its port: database, keys, first tenant, app. */
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { createDatabase, type Database } from "@heddle/db";
import { migrate, openPglite, postgresDriver, readMigrations } from "@heddle/db/node";
import { createApp, type App } from "../app.ts";
import type { AppDeps, Logger } from "../deps.ts";
import { consoleFiles } from "./console-files.ts";
import { envelopeKeyOf } from "./envelope-key.ts";
import { firstToken } from "./first-tenant.ts";
import { createLogger } from "./logger.ts";
import { openError } from "./start-error.ts";

export interface PlaneOptions {
  /** Where the embedded database, telemetry, keys and the first token are kept. */
  readonly dataDir: string;
  /** A Postgres in place of the embedded database. */
  readonly databaseUrl?: string;
  /** The console's built files. */
  readonly consoleDir?: string;
  /** 32 bytes in base64; `HEDDLE_ENVELOPE_KEY`, else a file in the data directory. */
  readonly envelopeKey?: string;
  /** Where prepared databases are kept; `.heddle/cache` beside the data directory unless told. */
  readonly cacheDir?: string;
  readonly log?: Logger;
  /** Milliseconds since 1970; the machine's clock unless told. */
  readonly clock?: () => number;
}

export interface Plane {
  readonly app: App;
  readonly deps: AppDeps;
  readonly adminToken: string;
  readonly adminTokenFile: string;
  close(): Promise<void>;
}
