/** The header of a revision: what is signed, and what the next revision names as its parent. */

import { z } from "zod";
import { canonicalJson } from "./canonical.ts";
import { sha256 } from "./digest.ts";

export const hashSchema = z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits");

/** Hash that stands for "no parent": the first revision's `parentHash`. */
export const NO_PARENT = "0".repeat(64);

export const revisionHeaderSchema = z.strictObject({
  /** The mesh's id, so that a revision of one mesh is never taken for another's. */
  mesh: z.string().min(1).max(200),
  /** Counts from 1 and only grows; a rollback is a new number. */
  number: z.int().min(1),
  /** The number this one follows; 0 for the first. */
  parent: z.int().min(0),
  /** Hash of the parent's header; `NO_PARENT` for the first. */
  parentHash: hashSchema,
  /** When it was committed, RFC 3339 in UTC. */
  time: z.iso.datetime(),
  /** SHA-256 over the mesh's whole state after this revision; see `stateRoot`. */
  stateRoot: hashSchema,
});
export type RevisionHeader = z.infer<typeof revisionHeaderSchema>;

/** First line of what is signed, so that the signature cannot serve in another place. */
const DOMAIN = "heddle-revision-v1\n";

/** The exact bytes that the mesh's key signs. */
export function headerBytes(header: RevisionHeader): Uint8Array<ArrayBuffer> {
  const { mesh, number, parent, parentHash, time, stateRoot } = header;
  return new TextEncoder().encode(
    DOMAIN + canonicalJson({ mesh, number, parent, parentHash, time, stateRoot }),
  );
}

/** Hash of a header, which the next revision carries as `parentHash`. */
export function headerHash(header: RevisionHeader): Promise<string> {
  return sha256(headerBytes(header));
}
