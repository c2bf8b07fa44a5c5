/** Ed25519 signatures of revision headers, with the per-mesh key that agents pin when they enroll. */

import { base64url, calculateJwkThumbprint, exportJWK, importJWK, type JWK } from "jose";
import { z } from "zod";
import { type RevisionHeader, headerBytes } from "./header.ts";

/** A public signing key as it travels: JWK members of an Ed25519 key (RFC 8037). */
export const publicKeySchema = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string().min(40).max(50),
});
export type PublicSigningKey = z.infer<typeof publicKeySchema>;

export const signatureSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{86}$/, "an Ed25519 signature in base64url");

/** A new key pair. The private half is a JWK, to be kept only under envelope encryption. */
export async function generateSigningKey(): Promise<{
  publicKey: PublicSigningKey;
  privateKey: JWK;
}> {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, [
    "sign",
    "verify",
  ])) as CryptoKeyPair;
  return {
    publicKey: publicKeySchema.parse(await exportJWK(pair.publicKey)),
    privateKey: await exportJWK(pair.privateKey),
  };
}

/** The private key as Web Crypto wants it; import once, sign often. */
export async function importSigner(privateKey: JWK): Promise<CryptoKey> {
  return (await importJWK(privateKey, "EdDSA")) as CryptoKey;
}

/** A pinned public key as Web Crypto wants it. */
export async function importVerifier(publicKey: PublicSigningKey): Promise<CryptoKey> {
  return (await importJWK({ ...publicKey }, "EdDSA")) as CryptoKey;
}

/** Name of a key: its JWK thumbprint (RFC 7638), in base64url. */
export function keyId(publicKey: PublicSigningKey): Promise<string> {
  return calculateJwkThumbprint({ ...publicKey });
}

/** Signature of a header's bytes, base64url. */
export async function signHeader(header: RevisionHeader, signer: CryptoKey): Promise<string> {
  return base64url.encode(
    new Uint8Array(await crypto.subtle.sign("Ed25519", signer, headerBytes(header))),
  );
}

/** Whether the signature is this key's over exactly this header. Never throws on malformed signatures. */
export function verifyHeader(
  header: RevisionHeader,
  signature: string,
  verifier: CryptoKey,
): Promise<boolean> {
  return verify(headerBytes(header), signature, verifier);
}

/** The old key's word that a new key takes over, in a mesh. */
export async function signKeyRotation(
  mesh: string,
  next: PublicSigningKey,
  signer: CryptoKey,
): Promise<string> {
  return base64url.encode(
    new Uint8Array(await crypto.subtle.sign("Ed25519", signer, rotationBytes(mesh, next))),
  );
}

/** Whether the pinned key has named `next` as its successor. */
export function verifyKeyRotation(
  mesh: string,
  next: PublicSigningKey,
  signature: string,
  verifier: CryptoKey,
): Promise<boolean> {
  return verify(rotationBytes(mesh, next), signature, verifier);
}

function rotationBytes(mesh: string, next: PublicSigningKey): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(
    `heddle-key-rotation-v1\n${JSON.stringify([mesh, next.kty, next.crv, next.x])}`,
  );
}

async function verify(
  bytes: Uint8Array<ArrayBuffer>,
  signature: string,
  verifier: CryptoKey,
): Promise<boolean> {
  if (!signatureSchema.safeParse(signature).success) return false;
  return crypto.subtle.verify(
    "Ed25519",
    verifier,
    base64url.decode(signature) as Uint8Array<ArrayBuffer>,
    bytes,
  );
}
