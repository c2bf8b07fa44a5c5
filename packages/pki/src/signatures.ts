/** Signatures as X.509 has them: which algorithm, and ECDSA's two numbers in DER where Web Crypto has them side by side. */

import { elements, equalBytes, integer, oid, only, sequence, TAG } from "./der.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const ecdsa = (hash: string) => ({ name: "ECDSA", hash }) as const;
const rsa = (hash: string) => ({ name: "RSASSA-PKCS1-v1_5", hash }) as const;

/** Those that are taken: no hash that can be collided is among them. */
const ALGORITHMS = [
  ["1.2.840.10045.4.3.2", ecdsa("SHA-256")],
  ["1.2.840.10045.4.3.3", ecdsa("SHA-384")],
  ["1.2.840.10045.4.3.4", ecdsa("SHA-512")],
  ["1.2.840.113549.1.1.11", rsa("SHA-256")],
  ["1.2.840.113549.1.1.12", rsa("SHA-384")],
  ["1.2.840.113549.1.1.13", rsa("SHA-512")],
] as const;
const known = ALGORITHMS.map(([dotted, algorithm]) => ({ oid: oid(dotted), algorithm }));

/** What an AlgorithmIdentifier, or the content of one, stands for; undefined for one that is not taken. */
export function signatureAlgorithm(
  content: Bytes,
): { readonly name: string; readonly hash: string } | undefined {
  const [identifier] = elements(content);
  return known.find((each) => identifier && equalBytes(identifier.whole, each.oid))?.algorithm;
}

/** The AlgorithmIdentifier of ECDSA with SHA-256, without parameters (RFC 5758, section 3.2). */
export const ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));

/** Of P-256, bytes of each number. */
const P256_BYTES = 32;

/** r and s side by side as a SEQUENCE of both. */
export function ecdsaToDer(raw: Uint8Array): Bytes {
  const half = raw.length / 2;
  return sequence(integer(raw.subarray(0, half)), integer(raw.subarray(half)));
}

/** The other way round, for P-256. Throws a `RangeError` for what is no such signature. */
export function ecdsaFromDer(signature: Bytes): Bytes {
  const numbers = elements(only(TAG.sequence, signature));
  const raw = new Uint8Array(2 * P256_BYTES);
  for (const [index, { tag, content }] of numbers.entries()) {
    const value = content[0] === 0 ? content.subarray(1) : content;
    if (tag !== TAG.integer || value.length > P256_BYTES || index > 1)
      throw new RangeError("No signature of P-256.");
    raw.set(value, (index + 1) * P256_BYTES - value.length);
  }
  if (numbers.length !== 2) throw new RangeError("No signature of P-256.");
  return raw;
}
