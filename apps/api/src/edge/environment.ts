/** What the Worker is configured with: bindings and secrets, checked once for each isolate. */
import { neonDriver, postgresDriver } from "@heddle/db/edge";
import type { Driver } from "@heddle/db";
import type { Envelope } from "@heddle/pki";
import { envelopeOf, type KmsEnvironment, kmsOf, KmsSettingsError } from "../kms/envelope-of.ts";
import type { ObjectNamespace } from "../sync/durable-runtime.ts";

export interface WorkerEnvironment extends KmsEnvironment {
  /** `postgres://…`; not needed beside HYPERDRIVE. */
  readonly DATABASE_URL?: string;
  /** A Hyperdrive binding. */
  readonly HYPERDRIVE?: { readonly connectionString: string };
  /** `neon` speaks WebSocket, `postgres` TCP; by the host's name unless told. */
  readonly DATABASE_DRIVER?: "neon" | "postgres";
  /** `host:port/path` of a WebSocket proxy for the `neon` driver, in front of a Postgres that is not Neon's. */
  readonly NEON_PROXY?: string;
  /** 32 bytes in base64; not needed beside HEDDLE_KMS_KEY. */
  readonly HEDDLE_ENVELOPE_KEY?: string;
  readonly ROOMS: ObjectNamespace;
}

export interface DatabaseChoice {
  readonly kind: Driver["kind"];
  /** A driver for one request. */
  open(): Driver;
}

/** Throws where there is no database to speak to. */
export function databaseChoice(env: WorkerEnvironment): DatabaseChoice {
  const url = env.HYPERDRIVE?.connectionString ?? env.DATABASE_URL;
  if (url === undefined)
    throw new Error(
      "HDL1067: Neither DATABASE_URL nor a HYPERDRIVE binding is set: set one with `wrangler secret put DATABASE_URL`.",
    );
  const isNeon = new URL(url).hostname.endsWith(".neon.tech");
  const kind = env.DATABASE_DRIVER ?? (!env.HYPERDRIVE && isNeon ? "neon" : "postgres");
  const proxy = env.NEON_PROXY;
  return {
    kind,
    open: () =>
      kind === "neon"
        ? neonDriver({ url, connections: 1, ...(proxy === undefined ? {} : { proxy }) })
        : postgresDriver({ url, connections: 1 }),
  };
}

/** Throws where the key is none, and where the settings of a key service are wrong. */
export function envelopeFrom(env: WorkerEnvironment): Envelope {
  try {
    const kms = kmsOf(env, Date.now);
    const isNeeded = kms?.mode !== "seal" || Boolean(env.HEDDLE_ENVELOPE_KEY);
    return envelopeOf(kms, isNeeded ? envelopeKeyFrom(env) : undefined);
  } catch (error) {
    if (!(error instanceof KmsSettingsError)) throw error;
    throw new Error(`HDL9123: ${error.message}`, { cause: error });
  }
}

function envelopeKeyFrom(env: WorkerEnvironment): Uint8Array {
  const key = Uint8Array.from(atob(env.HEDDLE_ENVELOPE_KEY ?? ""), (c) => c.charCodeAt(0));
  if (key.byteLength !== 32)
    throw new Error(
      "HDL1065: HEDDLE_ENVELOPE_KEY must hold 32 bytes in base64: make it with `openssl rand -base64 32`, set it with `wrangler secret put HEDDLE_ENVELOPE_KEY`.",
    );
  return key;
}
