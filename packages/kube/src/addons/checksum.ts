/** Tells texts apart, so that pods that read them only when they start are started anew: FNV-1a of 32 bits, as hexadecimal digits. */
export function checksumOf(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text))
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}
