/** Lists that are longer than a frame, in parts that fit. */
import { MAX_FRAME_BYTES } from "./frames.ts";

/** What a frame has around its items, and room for what JSON escapes. */
const ENVELOPE_BYTES = 8 * 1024;
const encoder = new TextEncoder();

/** Items in parts whose JSON fits into one frame each; an item that alone does not is left out. */
export function partsOf<T>(items: readonly T[]): T[][] {
  const limit = MAX_FRAME_BYTES - ENVELOPE_BYTES;
  const parts: T[][] = [];
  let part: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = encoder.encode(JSON.stringify(item)).length + 1;
    if (size > limit) continue;
    if (bytes + size > limit) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(item);
    bytes += size;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}
