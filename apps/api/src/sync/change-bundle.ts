/** Bundles and heads from revisions: the same bytes whether made at commit or again from the database. */
import {
  type Bundle,
  encodeBundle,
  type Head,
  headOf,
  MAX_INLINE_BYTES,
  type RevisionHeader,
} from "@heddle/sync";
import type { CommittedRevision } from "../deps.ts";

export interface MadeBundle {
  readonly head: Head;
  readonly text: string;
}

export interface BundleChange {
  readonly key: string;
  readonly before: string | null;
  readonly document: Readonly<Record<string, unknown>> | null;
}

/** The bundle that leads from a revision's parent to it. */
export function changeBundle(
  header: RevisionHeader,
  signature: string,
  changes: readonly BundleChange[],
): Promise<MadeBundle> {
  return make({
    kind: "change",
    header,
    signature,
    requires: [],
    changes: changes
      .toSorted((a, b) => (a.key < b.key ? -1 : 1))
      .map(({ key, before, document }) => ({
        key,
        ...(before === null ? {} : { before }),
        object: document as Record<string, unknown> | null,
      })),
    overlays: [],
  });
}

/** The bundle that leads to a revision from nothing. */
export function snapshotBundle(
  header: RevisionHeader,
  signature: string,
  objects: readonly {
    readonly key: string;
    readonly document: Readonly<Record<string, unknown>>;
  }[],
): Promise<MadeBundle> {
  return make({
    kind: "snapshot",
    header,
    signature,
    requires: [],
    objects: objects
      .toSorted((a, b) => (a.key < b.key ? -1 : 1))
      .map(({ key, document }) => ({ key, object: document as Record<string, unknown> })),
    overlays: [],
  });
}

export function bundleOf(revision: CommittedRevision): Promise<MadeBundle> {
  const { mesh, number, parent, parentHash, time, stateRoot } = revision;
  const header = { mesh, number, parent, parentHash, time, stateRoot };
  return changeBundle(header, revision.signature, revision.changes);
}

/** The bundle's text where it may ride in its head. */
export function inlineOf({ text }: MadeBundle): string | undefined {
  // A UTF-16 unit has at most three bytes in UTF-8, and JSON inside JSON escapes its quotes.
  return text.length <= MAX_INLINE_BYTES &&
    new TextEncoder().encode(JSON.stringify(text)).length <= MAX_INLINE_BYTES
    ? text
    : undefined;
}

async function make(bundle: Bundle): Promise<MadeBundle> {
  const { hash, text } = await encodeBundle(bundle);
  return { head: await headOf(bundle, hash), text };
}
