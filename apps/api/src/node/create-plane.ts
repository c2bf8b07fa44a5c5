/** Everything of a plane on Node but its port: database, keys, first tenant, app. */
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { createDatabase, type Database } from "@heddle/db";
import { migrate, openPglite, postgresDriver, readMigrations } from "@heddle/db/node";
import { createApp, type App } from "../app.ts";
import type { AppDeps, Logger } from "../deps.ts";
import { createRevisionSigner } from "../pki/signing-keys.ts";
import { createInProcessRooms, type InProcessRooms } from "../sync/in-process-rooms.ts";
import { openDuckDbStore } from "../telemetry/duckdb/duckdb-store.ts";
import { VERSION } from "../version.ts";
import { consoleFiles } from "./console-files.ts";
import { type EnvelopeEnvironment, openEnvelope } from "./envelope.ts";
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
  /** What private keys are sealed under; the process's environment unless told. */
  readonly environment?: EnvelopeEnvironment;
  /** Where prepared databases are kept; `.heddle/cache` beside the data directory unless told. */
  readonly cacheDir?: string;
  readonly log?: Logger;
  /** Milliseconds since 1970; the machine's clock unless told. */
  readonly clock?: () => number;
}

export interface Plane {
  readonly app: App;
  readonly deps: AppDeps;
  readonly rooms: InProcessRooms;
  readonly adminToken: string;
  readonly adminTokenFile: string;
  close(): Promise<void>;
}

/** How long a body may be: the API's promise is 10 MB, and a JSON string of it is longer than the file in it. */
const MAX_BODY_BYTES = 10_000_000;

const STATE_CACHE_OBJECTS = 200_000;

/** HDL1060 (directory in use), HDL1061 (migrations), and the codes of `PlaneStartError`. */
export async function createPlane(options: PlaneOptions): Promise<Plane> {
  const dataDir = path.resolve(options.dataDir);
  const opened: (() => Promise<unknown>)[] = [];
  const closeAll = async () => {
    for (const close of opened.splice(0).toReversed()) await close();
  };
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const db = await openDatabase(options, dataDir);
    opened.push(() => db.close());
    const telemetry = await openDuckDbStore({ path: path.join(dataDir, "telemetry.duckdb") });
    opened.push(() => telemetry.close());
    const clock = options.clock ?? Date.now;
    const base = {
      db,
      clock,
      random: (size: number) => new Uint8Array(randomBytes(size)),
      envelope: await openEnvelope(options.environment ?? process.env, dataDir, clock),
      log: options.log ?? createLogger(),
    };
    const rooms = createInProcessRooms(base);
    opened.push(() => rooms.close());
    const deps: AppDeps = {
      ...base,
      rooms,
      signer: createRevisionSigner(base),
      telemetry,
      config: {
        version: VERSION,
        publicUrl: undefined,
        maxBodyBytes: MAX_BODY_BYTES,
        stateCacheObjects: STATE_CACHE_OBJECTS,
      },
    };
    const adminTokenFile = path.join(dataDir, "admin-token");
    const adminToken = await firstToken(deps, adminTokenFile);
    const fallback =
      options.consoleDir === undefined ? undefined : consoleFiles(options.consoleDir);
    return {
      app: createApp(deps, { fallback }),
      deps,
      rooms,
      adminToken,
      adminTokenFile,
      close: closeAll,
    };
  } catch (error) {
    await closeAll().catch(() => {});
    throw openError(error, dataDir);
  }
}

async function openDatabase(options: PlaneOptions, dataDir: string): Promise<Database> {
  const { databaseUrl: url, cacheDir: cache } = options;
  if (url === undefined)
    return createDatabase(await openPglite({ directory: dataDir, ...(cache ? { cache } : {}) }));
  const driver = postgresDriver({ url });
  try {
    await migrate(driver, readMigrations());
  } catch (error) {
    await driver.close();
    throw error;
  }
  return createDatabase(driver);
}
