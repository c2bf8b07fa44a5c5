/** Key pairs: P-256 of one's own, made, exported and imported in PEM by Web Crypto. */

import { PemConverter } from "./x509.ts";

export const P256 = { name: "ECDSA", namedCurve: "P-256" } as const;
export const P256_SHA256 = { name: "ECDSA", hash: "SHA-256" } as const;
export const RSA_SHA256 = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } as const;

/** An RSA key's modulus, bits: below it is weak, above it each handshake costs too much. */
export const RSA_BITS = { min: 2048, max: 4096 } as const;

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

type KeyDetails = Algorithm & Partial<EcKeyAlgorithm & RsaKeyAlgorithm>;

export const isRsa = ({ name }: Algorithm) => name.startsWith("RSA");

/** As people name it, such as `RSA, 1024 bits`. */
export function describeKey(key: Algorithm): string {
  const { name, namedCurve, modulusLength } = key as KeyDetails;
  if (namedCurve !== undefined) return namedCurve;
  return modulusLength === undefined ? name : `RSA, ${modulusLength} bits`;
}
