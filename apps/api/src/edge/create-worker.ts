/** The app as a Worker's fetch handler: one app for an isolate, one database connection for a request. */
import { createApp, type App } from "../app.ts";
import type { AppDeps, Logger, SyncRooms } from "../deps.ts";
import { createRevisionSigner } from "../pki/signing-keys.ts";
import { VERSION } from "../version.ts";
import { databaseChoice, envelopeFrom, type WorkerEnvironment } from "./environment.ts";
import { requestDatabase, type RequestDatabase } from "./request-database.ts";

/** As much of the runtime's context as is used. */
interface ExecutionContextLike {
  waitUntil(promise: Promise<unknown>): void;
  passThroughOnException(): void;
}

interface Isolate {
  readonly app: App;
  readonly database: RequestDatabase;
}

/** As on Node. */
const MAX_BODY_BYTES = 10_000_000;
/** An isolate has 128 MB for everything. */
const STATE_CACHE_OBJECTS = 5_000;

/** What rooms may use of the plane. */
export type RoomsBase = Pick<AppDeps, "db" | "clock" | "log">;

/** The rooms of a Worker, made once for each isolate. */
export type WorkerRooms = (env: WorkerEnvironment, base: RoomsBase) => SyncRooms;

/** A Worker's default export. */
export function createWorker(rooms: WorkerRooms) {
  let isolate: Isolate | undefined;
  return {
    async fetch(
      request: Request,
      env: WorkerEnvironment,
      context: ExecutionContextLike,
    ): Promise<Response> {
      const { app, database } = (isolate ??= createIsolate(env, rooms));
      const { result, end } = database.run(() => app.fetch(request, env, context as never));
      try {
        return await result;
      } finally {
        context.waitUntil(end());
      }
    },
  };
}

function createIsolate(env: WorkerEnvironment, rooms: WorkerRooms): Isolate {
  const choice = databaseChoice(env);
  const database = requestDatabase(choice.kind, choice.open);
  const base = {
    db: database.db,
    clock: () => Date.now(),
    random: (size: number) => crypto.getRandomValues(new Uint8Array(size)),
    envelope: envelopeFrom(env),
    log: consoleLog,
  };
  const deps: AppDeps = {
    ...base,
    rooms: rooms(env, base),
    signer: createRevisionSigner(base),
    telemetry: undefined,
    config: {
      version: VERSION,
      publicUrl: undefined,
      maxBodyBytes: MAX_BODY_BYTES,
      stateCacheObjects: STATE_CACHE_OBJECTS,
    },
  };
  return { app: createApp(deps), database };
}

const write =
  (level: "info" | "warn" | "error") =>
  (message: string, fields: object = {}) =>
    // oxlint-disable-next-line no-console -- the runtime collects what is written to the console
    console[level](JSON.stringify({ level, message, ...fields }));

/** The runtime keeps what is written to the console. */
export const consoleLog: Logger = {
  info: write("info"),
  warn: write("warn"),
  error: write("error"),
};
