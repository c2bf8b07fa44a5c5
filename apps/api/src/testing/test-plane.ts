/** For tests: the plane's app on a real database, without a network in between. */
import { createClient, type HeddleClient } from "@heddle/client";
import { createDatabase, type Database } from "@heddle/db";
import { migrate, openPglite, postgresDriver, readMigrations } from "@heddle/db/node";
import { createEnvelope } from "@heddle/pki";
import { createApp, type App } from "../app.ts";
import type { AppDeps, CommittedRevision, MeshRef } from "../deps.ts";
import { createTenant } from "../tenancy/service.ts";
import { memorySigner, type MemorySigner } from "./memory-signer.ts";

export interface TestPlane {
  readonly app: App;
  readonly deps: AppDeps;
  readonly signer: MemorySigner;
  readonly tenant: string;
  readonly token: string;
  readonly client: HeddleClient;
  /** What rooms were told, in order. */
  readonly published: { readonly mesh: MeshRef; readonly revision: CommittedRevision }[];
  /** A client with another token. */
  as(token: string): HeddleClient;
  /** Moves the plane's clock. */
  advance(milliseconds: number): void;
  close(): Promise<void>;
}

export async function openTestDatabase(url: string | undefined): Promise<Database> {
  if (url === undefined) return createDatabase(await openPglite());
  const driver = postgresDriver({ url });
  await migrate(driver, readMigrations());
  return createDatabase(driver);
}

/** On Postgres at `url`, else on PGlite. */
export async function createTestPlane(url?: string): Promise<TestPlane> {
  const db = await openTestDatabase(url);
  const signer = memorySigner();
  const published: { mesh: MeshRef; revision: CommittedRevision }[] = [];
  let offset = 0;
  const errors: string[] = [];
  const deps: AppDeps = {
    db,
    clock: () => Date.now() + offset,
    random: (size) => crypto.getRandomValues(new Uint8Array(size)),
    config: {
      version: "test",
      publicUrl: undefined,
      maxBodyBytes: 10 * 1024 * 1024,
      stateCacheObjects: 200_000,
    },
    rooms: {
      room: (mesh) => ({ publish: async (revision) => void published.push({ mesh, revision }) }),
    },
    signer,
    telemetry: undefined,
    envelope: createEnvelope(crypto.getRandomValues(new Uint8Array(32))),
    log: {
      info: () => {},
      warn: () => {},
      error: (message, fields) => {
        errors.push(message);
        process.stderr.write(`${message} ${JSON.stringify(fields)}\n`);
      },
    },
  };
  const app = createApp(deps);
  const { tenant, token } = await createTenant(deps, `tenant-${crypto.randomUUID()}`);
  const as = (secret: string) =>
    createClient({
      baseUrl: "http://plane.test",
      token: secret,
      fetch: async (input, init) => app.request(String(input), init),
      retries: 0,
    });
  return {
    app,
    deps,
    signer,
    tenant,
    token,
    client: as(token),
    published,
    as,
    advance: (milliseconds) => void (offset += milliseconds),
    close: () => db.close(),
  };
}
