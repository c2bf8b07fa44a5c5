/** Key pairs: P-256 of one's own, made, exported and imported in PEM by Web Crypto; and which keys of others are certified. */

import { PemConverter } from "./x509.ts";
import { PkiError } from "./pki-error.ts";

export const P256 = { name: "ECDSA", namedCurve: "P-256" } as const;
export const P256_SHA256 = { name: "ECDSA", hash: "SHA-256" } as const;
export const RSA_SHA256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } as const;

/** An RSA key's modulus, bits: below it is weak, above it each handshake costs too much. */
export const RSA_BITS = { min: 2048, max: 4096 } as const;
/** The one public exponent in use, 65,537, big-endian; small ones make forgery easier. */
const RSA_EXPONENT = "1,0,1";

/** Extractable, as a workload's key must reach its proxy and an authority's key its store. */
export function generateKeyPair(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(P256, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

/** PKCS #8 in PEM. */
export async function exportPrivateKey(key: CryptoKey): Promise<string> {
  return PemConverter.encode(
    (await crypto.subtle.exportKey("pkcs8", key)) as ArrayBuffer,
    "PRIVATE KEY",
  );
}

/** From PKCS #8 in PEM. */
export function importPrivateKey(pem: string): Promise<CryptoKey> {
  return crypto.subtle.importKey("pkcs8", PemConverter.decodeFirst(pem), P256, true, ["sign"]);
}

/** What a key signs with. */
export function signatureOf({ algorithm }: CryptoKey): typeof P256_SHA256 | typeof RSA_SHA256 {
  return algorithm.name === "ECDSA" ? P256_SHA256 : RSA_SHA256;
}

/** Throws `HDL7102` for a key that is neither P-256 nor RSA of 2048 to 4096 bits. */
export function assertCertifiable(key: Algorithm): void {
  const described = describeKey(key);
  const { namedCurve, modulusLength = 0, publicExponent } = key as KeyDetails;
  const good =
    namedCurve === "P-256" ||
    (isRsa(key) &&
      modulusLength >= RSA_BITS.min &&
      modulusLength <= RSA_BITS.max &&
      publicExponent?.join() === RSA_EXPONENT);
  if (!good) throw new PkiError("HDL7102", `The certificate request has a key of ${described}.`);
}

type KeyDetails = Algorithm & Partial<EcKeyAlgorithm & RsaKeyAlgorithm>;

export const isRsa = ({ name }: Algorithm) => name.startsWith("RSA");

/** As people name it, such as `RSA, 1024 bits`. */
export function describeKey(key: Algorithm): string {
  const { name, namedCurve, modulusLength, publicExponent } = key as KeyDetails;
  if (namedCurve !== undefined) return namedCurve;
  if (modulusLength === undefined) return name;
  const exponent = publicExponent?.join() === RSA_EXPONENT ? "" : " and an unusual exponent";
  return `RSA, ${modulusLength} bits${exponent}`;
}
