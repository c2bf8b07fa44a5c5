/** Envelope encryption of private keys at rest: AES-256-GCM, bound to what the key is for. */

import { PkiError } from "./pki-error.ts";

const VERSION = "v1";
const NONCE_BYTES = 12;

/** Seals and opens under one envelope key. */
export interface Envelope {
  /** `purpose` (such as `mesh/<id>/signing`) must be the same when opened: a sealed key cannot be moved elsewhere. */
  seal(plaintext: string, purpose: string): Promise<string>;
  /** Throws `HDL7104` where key, purpose or bytes are not those of the sealing. */
  open(sealed: string, purpose: string): Promise<string>;
}

/** `key` has 32 bytes; throws `HDL7107` otherwise. */
export async function createEnvelope(key: Uint8Array): Promise<Envelope> {
  if (key.length !== 32) throw new PkiError("HDL7107", `The envelope key has ${key.length} bytes.`);
  const aes = await crypto.subtle.importKey("raw", new Uint8Array(key), "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
  const encoder = new TextEncoder();
  return {
    async seal(plaintext, purpose) {
      const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
      const parameters = { name: "AES-GCM", iv, additionalData: encoder.encode(purpose) };
      const sealed = new Uint8Array(
        await crypto.subtle.encrypt(parameters, aes, encoder.encode(plaintext)),
      );
      return [VERSION, base64(iv), base64(sealed)].join(".");
    },
    async open(sealed, purpose) {
      const [version, iv = "", data = ""] = sealed.split(".");
      try {
        if (version !== VERSION) throw new TypeError(`sealed as ${version}`);
        const parameters = {
          name: "AES-GCM",
          iv: bytesOf(iv),
          additionalData: encoder.encode(purpose),
        };
        return new TextDecoder().decode(
          await crypto.subtle.decrypt(parameters, aes, bytesOf(data)),
        );
      } catch (error) {
        throw new PkiError("HDL7104", `The sealed key for ${purpose} cannot be opened.`, error);
      }
    },
  };
}

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

const bytesOf = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
