/** Envelope encryption of private keys at rest: AES-256-GCM, bound to what the key is for. */

import { PkiError } from "./pki-error.ts";
import { importSealingKey, KEY_BYTES, openUnder, sealUnder } from "./sealing.ts";

/** Seals and opens under one envelope key, wherever that is kept. */
export interface Envelope {
  /** What its sealed values begin with, up to the first dot. */
  readonly format: string;
  /** For people: where the envelope key is. */
  readonly name: string;
  /** `purpose` (such as `mesh/<id>/signing`) must be the same when opened: a sealed key cannot be moved elsewhere. */
  seal(plaintext: string, purpose: string): Promise<string>;
  /** Throws `HDL7104` where key, purpose or bytes are not those of the sealing. */
  open(sealed: string, purpose: string): Promise<string>;
  /** What is sealed from now on is under the newest version of the envelope key. */
  renew(): void;
  /** Throws what sealing would throw. */
  check(): Promise<void>;
}

const FORMAT = "v1";

/** Under a key that is at hand. `key` has 32 bytes; throws `HDL7107` otherwise. */
export function createEnvelope(key: Uint8Array): Envelope {
  if (key.length !== KEY_BYTES)
    throw new PkiError("HDL7107", `The envelope key has ${key.length} bytes.`);
  let imported: Promise<CryptoKey> | undefined;
  const aes = () => (imported ??= importSealingKey(key));
  return {
    format: FORMAT,
    name: "the plane's own envelope key",
    seal: async (plaintext, purpose) =>
      `${FORMAT}.${await sealUnder(await aes(), plaintext, purpose)}`,
    async open(sealed, purpose) {
      try {
        return await openUnder(await aes(), afterFormat(sealed, FORMAT), purpose);
      } catch (error) {
        throw cannotOpen(purpose, error);
      }
    },
    renew: () => {},
    check: async () => {},
  };
}

/** Seals under the first, and opens what any of them has sealed: for as long as it takes to go from one key to another. */
export function layeredEnvelope(first: Envelope, former: readonly Envelope[]): Envelope {
  const all = [first, ...former];
  return {
    ...first,
    async open(sealed, purpose) {
      const format = formatOf(sealed);
      const envelope = all.find((each) => each.format === format);
      if (!envelope) throw otherKey(format, purpose, all);
      return envelope.open(sealed, purpose);
    },
  };
}

const formatOf = (sealed: string) => sealed.slice(0, Math.max(sealed.indexOf("."), 0));

/** Throws a `TypeError` where it is of another format. */
export function afterFormat(sealed: string, format: string): string {
  if (formatOf(sealed) !== format) throw new TypeError(`sealed as ${formatOf(sealed)}`);
  return sealed.slice(format.length + 1);
}

export const cannotOpen = (purpose: string, cause: unknown) =>
  new PkiError("HDL7104", `The sealed key for ${purpose} cannot be opened.`, cause);

const otherKey = (format: string, purpose: string, all: readonly Envelope[]) =>
  new PkiError(
    "HDL9122",
    `The key for ${purpose} is sealed as ${JSON.stringify(format)}, which ${all.map(({ name }) => name).join(" and ")} cannot open.`,
  );
