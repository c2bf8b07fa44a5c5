/** Bundles: the content of revisions as immutable bytes, addressed by their hash and verified before use. */

import { z } from "zod";
import { canonicalJson } from "./canonical.ts";
import { objectHash, sha256 } from "./digest.ts";
import { type Head, headSchema } from "./frames.ts";
import {
  hashSchema,
  headerHash,
  NO_PARENT,
  type RevisionHeader,
  revisionHeaderSchema,
} from "./header.ts";
import { cohortSchema, type Overlay, overlaySchema } from "./overlay.ts";
import { signatureSchema, verifyHeader } from "./signing.ts";
import { objectStateKey, overlayStateKey, sortedStateRoot } from "./state-root.ts";
import { SyncError } from "./sync-error.ts";

/** A bundle's length at most, in bytes: 10,000 objects of 6 KiB, and what a Worker can hold twice in its 128 MiB. */
export const MAX_BUNDLE_BYTES = 60 * 1024 * 1024;

/** An object in Kubernetes' document form (`apiVersion`, `kind`, `metadata`, and its other members beside them). */
const documentSchema = z.record(z.string(), z.unknown());

export const objectChangeSchema = z.strictObject({
  /** `group/Kind/namespace/name` */
  key: z.string().min(1).max(1024),
  cohort: cohortSchema.optional(),
  /** Hash of the value that it replaces; absent for a new object. */
  before: hashSchema.optional(),
  /** The new value; null deletes. */
  object: documentSchema.nullable(),
});
export type ObjectChange = z.infer<typeof objectChangeSchema>;

export const overlayChangeSchema = z.strictObject({
  name: z.string().min(1).max(300),
  overlay: overlaySchema.nullable(),
});

const bundleMembers = {
  header: revisionHeaderSchema,
  signature: signatureSchema,
  /** Features that an agent must have to understand it. */
  requires: z.array(z.string().max(64)).max(32),
};

export const changeBundleSchema = z.strictObject({
  kind: z.literal("change"),
  ...bundleMembers,
  changes: z.array(objectChangeSchema),
  overlays: z.array(overlayChangeSchema),
});
export const snapshotBundleSchema = z.strictObject({
  kind: z.literal("snapshot"),
  ...bundleMembers,
  objects: z.array(
    z.strictObject({
      key: z.string().min(1).max(1024),
      cohort: cohortSchema.optional(),
      object: documentSchema,
    }),
  ),
  overlays: z.array(overlaySchema),
});
export const bundleSchema = z.discriminatedUnion("kind", [
  changeBundleSchema,
  snapshotBundleSchema,
]);
export type ChangeBundle = z.infer<typeof changeBundleSchema>;
export type SnapshotBundle = z.infer<typeof snapshotBundleSchema>;
export type Bundle = z.infer<typeof bundleSchema>;

/** A bundle with its bytes' address. */
export interface EncodedBundle {
  readonly hash: string;
  /** UTF-8 JSON; the hash is over exactly these bytes. */
  readonly text: string;
}

/** What a mesh holds: values by state key, with their hashes. */
export interface MeshState {
  readonly header: RevisionHeader | null;
  /** Hash of `header`; `""` where there is none. */
  readonly headHash: string;
  readonly objects: ReadonlyMap<string, StateObject>;
  readonly overlays: ReadonlyMap<string, { readonly overlay: Overlay; readonly hash: string }>;
}

export interface StateObject {
  readonly key: string;
  readonly cohort: "stable" | "candidate";
  readonly object: Readonly<Record<string, unknown>>;
  readonly hash: string;
}

export const emptyState: MeshState = {
  header: null,
  headHash: "",
  objects: new Map(),
  overlays: new Map(),
};

/** A bundle's bytes and address. Equal bundles give equal bytes. */
export async function encodeBundle(bundle: Bundle): Promise<EncodedBundle> {
  const text = canonicalJson(bundle);
  return { hash: await sha256(text), text };
}

/** The head that announces a bundle. */
export async function headOf(bundle: Bundle, bundleHash: string): Promise<Head> {
  return headSchema.parse({
    ...bundle.header,
    hash: await headerHash(bundle.header),
    signature: bundle.signature,
    bundle: bundleHash,
    kind: bundle.kind,
    requires: bundle.requires,
  });
}

/** Everything that a state holds, as the snapshot that leads to it from nothing. */
export function snapshotOf(
  state: MeshState,
  signature: string,
  requires: readonly string[] = [],
): SnapshotBundle {
  if (!state.header) throw new TypeError("The empty state has no snapshot.");
  const objects = [...state.objects.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    kind: "snapshot",
    header: state.header,
    signature,
    requires: [...requires],
    objects: objects.map(([, { key, cohort, object }]) => ({
      key,
      ...(cohort === "stable" ? {} : { cohort }),
      object: object as Record<string, unknown>,
    })),
    overlays: [...state.overlays.values()]
      .map(({ overlay }) => overlay)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** What came of a bundle that passed every check. */
export interface Accepted {
  readonly state: MeshState;
  readonly bundle: Bundle;
  /** State keys whose value is another now, or gone. */
  readonly changed: readonly string[];
}

/**
 * Takes the bundle of a head into a state, or refuses it. Checks, in order: the bytes' hash (`HDL7005`), their form
 * (`HDL7002`), the mesh (`HDL7009`), that the number grows (`HDL7007`), the signature by the pinned key (`HDL7004`), for
 * a change that it follows the state's own head (`HDL7015`), that the state's root comes out as signed (`HDL7006`), and
 * that the head announced this very revision (`HDL7005`).
 */
export async function acceptBundle(
  state: MeshState,
  text: string,
  expected: {
    readonly mesh: string;
    readonly head: Pick<Head, "bundle" | "hash">;
    readonly verifier: CryptoKey;
  },
): Promise<Accepted> {
  const { head } = expected;
  const actual = await sha256(text);
  if (actual !== head.bundle)
    throw new SyncError("HDL7005", `Bundle ${head.bundle} came with bytes of hash ${actual}.`);
  const accepted = await acceptContent(state, text, expected);
  if (accepted.state.headHash !== head.hash)
    throw new SyncError(
      "HDL7005",
      `Bundle ${head.bundle} holds revision ${accepted.state.headHash}, not ${head.hash}.`,
    );
  return accepted;
}

/** As `acceptBundle` for bytes whose address is not known, such as a state read from disk. */
export async function acceptContent(
  state: MeshState,
  text: string,
  expected: { readonly mesh: string; readonly verifier: CryptoKey },
): Promise<Accepted> {
  const bundle = parseBundle(text);
  const { header } = bundle;
  if (header.mesh !== expected.mesh)
    throw new SyncError(
      "HDL7009",
      `Revision ${header.number} is of mesh ${header.mesh}, not ${expected.mesh}.`,
    );
  const current = state.header?.number ?? 0;
  if (header.number <= current)
    throw new SyncError(
      "HDL7007",
      `Revision ${header.number} was offered; ${current} is in force.`,
    );
  if (!(await verifyHeader(header, bundle.signature, expected.verifier)))
    throw new SyncError(
      "HDL7004",
      `Revision ${header.number} of mesh ${header.mesh} is not signed by the pinned key.`,
    );
  if (
    bundle.kind === "change" &&
    (header.parentHash !== (state.headHash || NO_PARENT) || header.parent !== current)
  )
    throw new SyncError(
      "HDL7015",
      `Revision ${header.number} follows ${header.parent}, which is not what is in force here (${current}).`,
    );
  const next =
    bundle.kind === "change" ? await applyChanges(state, bundle) : await fromSnapshot(bundle);
  const root = await rootOf(next);
  if (root !== header.stateRoot)
    throw new SyncError(
      "HDL7006",
      `The state after revision ${header.number} has root ${root}; signed is ${header.stateRoot}.`,
    );
  return {
    state: next,
    bundle,
    changed: bundle.kind === "change" ? changedBy(bundle) : differences(state, next),
  };
}

/** A bundle from its text. Throws `HDL7002` where it is none. */
export function parseBundle(text: string): Bundle {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SyncError("HDL7002", "A bundle that is not JSON.");
  }
  const parsed = bundleSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new SyncError(
    "HDL7002",
    `A bundle that the protocol does not have: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "unknown"}.`,
  );
}

/** The root of a state; what its header must say. */
export function rootOf(state: Pick<MeshState, "objects" | "overlays">): Promise<string> {
  const hashOf = (key: string) =>
    state.objects.get(key)?.hash ?? state.overlays.get(key.slice(OVERLAY.length))?.hash ?? "";
  return sortedStateRoot(sortedKeys(state), hashOf);
}

const OVERLAY = overlayStateKey("");

/** State keys in order, by the map that holds the objects: sorting ten thousand anew for each change costs more than all else. */
const orders = new WeakMap<MeshState["objects"], readonly string[]>();

function sortedKeys({
  objects,
  overlays,
}: Pick<MeshState, "objects" | "overlays">): readonly string[] {
  let keys = orders.get(objects);
  if (!keys) {
    keys = [...objects.keys()].toSorted();
    orders.set(objects, keys);
  }
  return overlays.size === 0
    ? keys
    : [...keys, ...[...overlays.keys()].map(overlayStateKey)].toSorted();
}

/** The order after some keys have come and gone. */
function inherit(
  before: MeshState["objects"],
  after: MeshState["objects"],
  changed: Iterable<string>,
): void {
  const known = orders.get(before);
  if (!known) return;
  const differs = [...changed].filter((key) => before.has(key) !== after.has(key));
  if (differs.length === 0) return void orders.set(after, known);
  // Of many, one sort of what is nearly in order.
  const gone = new Set(differs.filter((key) => !after.has(key)));
  const kept = gone.size === 0 ? known : known.filter((key) => !gone.has(key));
  orders.set(after, [...kept, ...differs.filter((key) => after.has(key))].toSorted());
}

async function applyChanges(state: MeshState, bundle: ChangeBundle): Promise<MeshState> {
  const objects = new Map(state.objects);
  for (const { key, cohort = "stable", before, object } of bundle.changes) {
    const stateKey = objectStateKey(key, cohort);
    if (before !== undefined && before !== objects.get(stateKey)?.hash)
      throw new SyncError(
        "HDL7006",
        `Revision ${bundle.header.number} replaces a value of ${stateKey} that is not the one here.`,
      );
    if (object === null) objects.delete(stateKey);
    else objects.set(stateKey, { key, cohort, object, hash: await objectHash(object) });
  }
  inherit(
    state.objects,
    objects,
    bundle.changes.map(({ key, cohort }) => objectStateKey(key, cohort)),
  );
  const overlays = bundle.overlays.length === 0 ? state.overlays : new Map(state.overlays);
  for (const { name, overlay } of bundle.overlays) {
    if (overlay === null) (overlays as Map<string, unknown>).delete(name);
    else
      (overlays as Map<string, { overlay: Overlay; hash: string }>).set(name, {
        overlay,
        hash: await objectHash(overlay),
      });
  }
  return { header: bundle.header, headHash: await headerHash(bundle.header), objects, overlays };
}

async function fromSnapshot(bundle: SnapshotBundle): Promise<MeshState> {
  const objects = new Map<string, StateObject>();
  const hashed = await Promise.all(
    bundle.objects.map(async (entry) => ({ ...entry, hash: await objectHash(entry.object) })),
  );
  for (const { key, cohort = "stable", object, hash } of hashed)
    objects.set(objectStateKey(key, cohort), { key, cohort, object, hash });
  const overlays = new Map<string, { overlay: Overlay; hash: string }>();
  for (const overlay of bundle.overlays)
    overlays.set(overlay.name, { overlay, hash: await objectHash(overlay) });
  return { header: bundle.header, headHash: await headerHash(bundle.header), objects, overlays };
}

function changedBy(bundle: ChangeBundle): string[] {
  return [
    ...bundle.changes.map(({ key, cohort }) => objectStateKey(key, cohort)),
    ...bundle.overlays.map(({ name }) => overlayStateKey(name)),
  ];
}

function differences(before: MeshState, after: MeshState): string[] {
  const changed: string[] = [];
  for (const [key, { hash }] of after.objects)
    if (before.objects.get(key)?.hash !== hash) changed.push(key);
  for (const key of before.objects.keys()) if (!after.objects.has(key)) changed.push(key);
  for (const [name, { hash }] of after.overlays)
    if (before.overlays.get(name)?.hash !== hash) changed.push(overlayStateKey(name));
  for (const name of before.overlays.keys())
    if (!after.overlays.has(name)) changed.push(overlayStateKey(name));
  return changed;
}
