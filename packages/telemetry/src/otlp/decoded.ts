/** What a decoder answers: the records that were readable, and how many were not. */

import { CodecError } from "../codec-error.ts";
import type { WireReader } from "../wire/reader.ts";

/** `rejected` and `reason` become the partial success of OTLP's answer. */
export interface Decoded<T> {
  records: T[];
  rejected: number;
  /** Why the first one was rejected; empty if none was. */
  reason: string;
}

/**
 * Runs `read` on every field 1 of an export request. A resource that is malformed inside costs only itself, since the outer length tells
 * where the next one starts; a malformed outside throws CodecError.
 */
export function decodeResources<T>(
  reader: WireReader,
  read: (reader: WireReader, into: Decoded<T>) => void,
): Decoded<T> {
  const decoded: Decoded<T> = { records: [], rejected: 0, reason: "" };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag !== 10) {
      reader.skip(tag);
      continue;
    }
    const outer = reader.enter();
    const inner = reader.end;
    const before = decoded.records.length;
    try {
      read(reader, decoded);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      const lost = decoded.records.length - before;
      decoded.records.length = before;
      reject(decoded, error.message, lost + 1);
      reader.end = inner;
    }
    reader.leave(outer);
  }
  return decoded;
}

export function reject<T>(decoded: Decoded<T>, reason: string, count = 1): void {
  decoded.rejected += count;
  if (decoded.reason === "") decoded.reason = reason;
}
