/** SHA-256 by Web Crypto, as lower-case hexadecimal: how objects, headers and bundles are addressed. */

import { canonicalJson } from "./canonical.ts";

const encoder = new TextEncoder();

/** SHA-256 of bytes, or of a text's UTF-8, as 64 hexadecimal digits. */
export async function sha256(data: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** Hash of one configuration object: SHA-256 of its canonical JSON. */
export function objectHash(object: unknown): Promise<string> {
  return sha256(canonicalJson(object));
}

const PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Joined, so that it is one flat string: thousands of them go into each state root. */
function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => PAIRS[byte]).join("");
}
