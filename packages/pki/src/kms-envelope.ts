/**
 * Envelope encryption under a key that never leaves a key management service (KMS). What is sealed is sealed under a data key of ours,
 * and the data key lies beside it as the service has wrapped it. Data keys stay in memory for a while, so that the service
 * is asked seldom, and may be away.
 */

import { afterFormat, cannotOpen, type Envelope } from "./envelope.ts";
import { PkiError } from "./pki-error.ts";
import { base64, bytesOf, importSealingKey, KEY_BYTES, openUnder, sealUnder } from "./sealing.ts";

/** A service that wraps data keys. Both calls throw `HDL9120` where it cannot be reached, `HDL9121` where it refuses. */
export interface KeyService {
  /** For people: which service, and which of its keys. */
  readonly name: string;
  /** Text of the service's own, with the version of its key. */
  wrap(dataKey: Uint8Array): Promise<string>;
  unwrap(wrapped: string): Promise<Uint8Array>;
}

/** How long a data key is used before the service is asked for it again, milliseconds: so late it is noticed that access was withdrawn. */
export const DATA_KEY_FRESH = 5 * 60_000;
/** How long it is used while the service cannot be reached, milliseconds since the service was last asked with success. */
export const DATA_KEY_KEPT = 60 * 60_000;
/** How long a service that was away is not asked again, milliseconds: nobody waits for it meanwhile. */
export const ASKED_AGAIN_AFTER = 5_000;

const FORMAT = "v2";

interface DataKey {
  readonly wrapped: string;
  readonly key: CryptoKey;
  /** When the service last wrapped or unwrapped it. */
  readonly confirmedAt: number;
}

/** `clock` in milliseconds. */
export function createKmsEnvelope(service: KeyService, clock: () => number): Envelope {
  /** By the wrapped text. The value that was confirmed last is the last one. */
  const known = new Map<string, DataKey>();
  let sealing: DataKey | undefined;
  let away: { readonly until: number; readonly error: PkiError } | undefined;

  const isWithin = (dataKey: DataKey | undefined, age: number): dataKey is DataKey =>
    dataKey !== undefined && clock() - dataKey.confirmedAt < age;

  async function ask<T>(question: () => Promise<T>): Promise<T> {
    if (away && clock() < away.until) throw away.error;
    try {
      const answer = await question();
      away = undefined;
      return answer;
    } catch (error) {
      if (isAway(error)) away = { until: clock() + ASKED_AGAIN_AFTER, error };
      throw error;
    }
  }

  async function keep(wrapped: string, bytes: Uint8Array): Promise<DataKey> {
    const dataKey = { wrapped, key: await importSealingKey(bytes), confirmedAt: clock() };
    for (const [each, other] of known) if (!isWithin(other, DATA_KEY_KEPT)) known.delete(each);
    known.delete(wrapped);
    known.set(wrapped, dataKey);
    return dataKey;
  }

  async function make(): Promise<DataKey> {
    const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
    return keep(await ask(() => service.wrap(bytes)), bytes);
  }

  async function toSealWith(): Promise<DataKey> {
    if (isWithin(sealing, DATA_KEY_FRESH)) return sealing;
    try {
      return (sealing = await make());
    } catch (error) {
      // Any key will do that the service can open.
      const latest = isAway(error) ? [...known.values()].at(-1) : undefined;
      if (isWithin(latest, DATA_KEY_KEPT)) return latest;
      known.clear();
      throw error;
    }
  }

  async function toOpenWith(wrapped: string): Promise<DataKey> {
    const found = known.get(wrapped);
    if (isWithin(found, DATA_KEY_FRESH)) return found;
    try {
      return await keep(wrapped, await ask(() => service.unwrap(wrapped)));
    } catch (error) {
      if (isAway(error) && isWithin(found, DATA_KEY_KEPT)) return found;
      known.delete(wrapped);
      throw error;
    }
  }

  return {
    format: FORMAT,
    name: service.name,
    async seal(plaintext, purpose) {
      const { wrapped, key } = await toSealWith();
      const name = base64(new TextEncoder().encode(wrapped));
      return `${FORMAT}.${name}.${await sealUnder(key, plaintext, purpose)}`;
    },
    async open(sealed, purpose) {
      try {
        const [name = "", ...rest] = afterFormat(sealed, FORMAT).split(".");
        const { key } = await toOpenWith(new TextDecoder().decode(bytesOf(name)));
        return await openUnder(key, rest.join("."), purpose);
      } catch (error) {
        throw error instanceof PkiError ? error : cannotOpen(purpose, error);
      }
    },
    renew: () => void (sealing = undefined),
    async check() {
      if (!isWithin(sealing, DATA_KEY_FRESH)) sealing = await make();
    },
  };
}

const isAway = (error: unknown): error is PkiError =>
  error instanceof PkiError && error.code === "HDL9120";
