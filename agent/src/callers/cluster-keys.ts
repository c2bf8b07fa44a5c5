/** The keys that the cluster signs service accounts' tokens with, as its API server publishes them (OpenID Connect discovery). */
import { createLocalJWKSet, type JWTVerifyGetKey } from "jose";
import { z } from "zod";
import type { AgentLog } from "../log.ts";

const KEYS = "/openid/v1/jwks";
const DISCOVERY = "/.well-known/openid-configuration";

/** Tokens of unknown keys are free to make: what they lead to is asked for no more often, milliseconds. */
const ASK_AGAIN = 10_000;
/** A key that the cluster has withdrawn is not taken for longer, milliseconds, while the API server can be asked. */
const MAX_AGE = 10 * 60_000;

const keysSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });
const discoverySchema = z.object({ issuer: z.string().min(1) });

export interface KnownKeys {
  /** Who signs: the `iss` of every token. */
  readonly issuer: string;
  readonly keyOf: JWTVerifyGetKey;
}

export interface ClusterKeys {
  /** What is known; asked for where nothing is, or it is old. Undefined where nothing is known and nobody answers. */
  known(): Promise<KnownKeys | undefined>;
  /** For a token that does not fit what is known: asked for again, unless that was a moment ago. */
  again(): Promise<KnownKeys | undefined>;
}

/** `read` gets a document of the API server. While it fails, what was read last counts. `now` in milliseconds. */
export function createClusterKeys(
  read: (path: string) => Promise<unknown>,
  log: AgentLog,
  now: () => number = () => performance.now(),
): ClusterKeys {
  let current: { readonly keys: KnownKeys; readonly at: number } | undefined;
  let askedAt = -Infinity;
  let asking: Promise<void> | undefined;

  const ask = (): Promise<void> => {
    if (asking === undefined && now() - askedAt < ASK_AGAIN) return Promise.resolve();
    asking ??= fetchKeys().finally(() => {
      asking = undefined;
    });
    return asking;
  };
  const fetchKeys = async () => {
    askedAt = now();
    try {
      const [keys, discovery] = await Promise.all([read(KEYS), read(DISCOVERY)]);
      const { issuer } = discoverySchema.parse(discovery);
      current = { keys: { issuer, keyOf: createLocalJWKSet(keysSchema.parse(keys)) }, at: now() };
    } catch (error) {
      log.warn("the keys of the cluster's tokens cannot be read now", {
        known: current !== undefined,
        error: String(error),
      });
    }
  };
  return {
    async known() {
      if (current === undefined) await ask();
      else if (now() - current.at > MAX_AGE) void ask();
      return current?.keys;
    },
    async again() {
      await ask();
      return current?.keys;
    },
  };
}
