/** Public keys of others, from their SubjectPublicKeyInfo: which kinds are certified, before anything is computed with one. */

import { type Element, elements, isOid, oid, only, TAG } from "./der.ts";
import { P256, RSA_BITS, RSA_SHA256 } from "./keys.ts";
import { PkiError } from "./pki-error.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const EC_KEY = oid("1.2.840.10045.2.1");
const P_256 = oid("1.2.840.10045.3.1.7");
const RSA_KEY = oid("1.2.840.113549.1.1.1");
/** The one public exponent in use, 65,537; small ones make forgery easier. */
const RSA_EXPONENT = "1,0,1";

/** Imports a key that may be certified, to verify with; `hash` is that of an RSA signature. */
export function importCertifiable(spki: Bytes, hash: string): Promise<CryptoKey> {
  const algorithm = certifiableKind(spki) === "P-256" ? P256 : { ...RSA_SHA256, hash };
  return crypto.subtle.importKey("spki", spki, algorithm, true, ["verify"]);
}

/**
 * Throws `HDL7102` for a key that is neither P-256 nor RSA of 2048 to 4096 bits, without computing with it, since anybody could ask
 * for that work; and a `RangeError` for what is no key.
 */
export function certifiableKind(spki: Bytes): "P-256" | "RSA" {
  const [algorithm, key] = elements(only(TAG.sequence, spki));
  const [kind, parameters] = elements(algorithm?.content);
  if (isOid(kind, EC_KEY)) {
    if (isOid(parameters, P_256)) return "P-256";
    throw refusal("another curve than P-256");
  }
  if (!isOid(kind, RSA_KEY)) throw refusal("another kind");
  const { bits, exponent } = rsaKey(key);
  if (bits < RSA_BITS.min || bits > RSA_BITS.max) throw refusal(`RSA, ${bits} bits`);
  if (exponent !== RSA_EXPONENT) throw refusal(`RSA, ${bits} bits, and an unusual exponent`);
  return "RSA";
}

function rsaKey(key: Element | undefined): { bits: number; exponent: string } {
  if (key?.tag !== TAG.bitString) throw new RangeError("A key that is none.");
  const [modulus, exponent] = elements(only(TAG.sequence, key.content.subarray(1)));
  if (modulus?.tag !== TAG.integer || exponent?.tag !== TAG.integer)
    throw new RangeError("An RSA key that is none.");
  const digits = modulus.content[0] === 0 ? modulus.content.subarray(1) : modulus.content;
  const bits = digits.length * 8 - Math.clz32(digits[0] ?? 0) + 24;
  return { bits, exponent: exponent.content.join() };
}

const refusal = (what: string) =>
  new PkiError("HDL7102", `The certificate request has a key of ${what}.`);
