/** P-256 key pairs: made, exported and imported in PEM, by Web Crypto. */

import { PemConverter } from "./x509.ts";

export const P256 = { name: "ECDSA", namedCurve: "P-256" } as const;
export const P256_SHA256 = { name: "ECDSA", hash: "SHA-256" } as const;

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
