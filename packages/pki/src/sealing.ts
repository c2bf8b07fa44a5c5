/** AES-256-GCM as envelopes use it: bytes sealed under one key, bound to what they are for. */

const NONCE_BYTES = 12;
export const KEY_BYTES = 32;

/** `key` has 32 bytes. */
export function importSealingKey(key: Uint8Array): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", new Uint8Array(key), "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
}

/** The nonce and the sealed bytes, each in base64, with a dot in between. */
export async function sealUnder(
  key: CryptoKey,
  plaintext: string,
  purpose: string,
): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const sealed = await crypto.subtle.encrypt(
    parameters(iv, purpose),
    key,
    new TextEncoder().encode(plaintext),
  );
  return `${base64(iv)}.${base64(new Uint8Array(sealed))}`;
}

/** Throws a `DOMException` where key, purpose or bytes are not those of the sealing. */
export async function openUnder(key: CryptoKey, sealed: string, purpose: string): Promise<string> {
  const [iv = "", data = ""] = sealed.split(".");
  return new TextDecoder().decode(
    await crypto.subtle.decrypt(parameters(bytesOf(iv), purpose), key, bytesOf(data)),
  );
}

const parameters = (iv: Uint8Array<ArrayBuffer>, purpose: string) => ({
  ...{ name: "AES-GCM", iv },
  additionalData: new TextEncoder().encode(purpose),
});

export const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

export const bytesOf = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
