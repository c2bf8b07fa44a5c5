/** Secrets that the plane hands out: made of 256 random bits, shown once, kept as a hash. */
import type { Random } from "../deps.ts";

/** `hdl_` for tokens, `hdlj_` for join tokens: so that scanners of repositories find them. */
export type SecretPrefix = "hdl" | "hdlj";

export function createSecret(random: Random, prefix: SecretPrefix = "hdl"): string {
  return `${prefix}_${base64url(random(32))}`;
}

/** SHA-256, hexadecimal: what is stored of a secret. */
export async function hashSecret(secret: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
