/** Checks the outline of an export request without decoding it, so that requests can be joined and passed on as bytes. */

import { WireReader } from "../wire/reader.ts";

/**
 * True where the bytes are a sequence of whole top-level fields. Such requests, put one after another, are one request that holds the
 * resources of all: that is how protobuf reads repeated fields.
 */
export function isWholeRequest(bytes: Uint8Array): boolean {
  const reader = new WireReader(bytes);
  try {
    for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
      if (tag !== 10) return false;
      reader.skip(tag);
    }
    return true;
  } catch {
    return false;
  }
}
