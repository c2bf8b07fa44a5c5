/** A mesh's signed history for tests: real keys, real bundles. */

import {
  type Bundle,
  emptyState,
  encodeBundle,
  generateSigningKey,
  type Head,
  headerHash,
  headOf,
  importSigner,
  importVerifier,
  type MeshState,
  NO_PARENT,
  objectHash,
  objectStateKey,
  rootOf,
  signHeader,
  snapshotOf,
} from "../index.ts";

export interface TestRevision {
  readonly head: Head;
  readonly text: string;
  readonly state: MeshState;
  readonly signature: string;
}

export interface TestHistory {
  readonly mesh: string;
  readonly verifier: CryptoKey;
  readonly revisions: TestRevision[];
  /** Bundles by hash, snapshots among them. */
  readonly bundles: Map<string, string>;
  commit(
    changes: Readonly<Record<string, object | null>>,
    requires?: string[],
  ): Promise<TestRevision>;
  /** The newest revision as a snapshot. */
  snapshot(): Promise<Head>;
}

export async function testHistory(mesh = "mesh-1"): Promise<TestHistory> {
  const { publicKey, privateKey } = await generateSigningKey();
  const signer = await importSigner(privateKey);
  const revisions: TestRevision[] = [];
  const bundles = new Map<string, string>();
  const keep = async (bundle: Bundle) => {
    const { hash, text } = await encodeBundle(bundle);
    bundles.set(hash, text);
    return { head: await headOf(bundle, hash), text };
  };
  return {
    mesh,
    verifier: await importVerifier(publicKey),
    revisions,
    bundles,
    async commit(changes, requires = []) {
      const before = revisions.at(-1)?.state ?? emptyState;
      const objects = new Map(before.objects);
      const list = [];
      for (const [key, value] of Object.entries(changes)) {
        const object = value as Record<string, unknown> | null;
        const old = objects.get(objectStateKey(key));
        if (object)
          objects.set(key, { key, cohort: "stable", object, hash: await objectHash(object) });
        else objects.delete(key);
        list.push({ key, ...(old ? { before: old.hash } : {}), object });
      }
      const number = revisions.length + 1;
      const header = {
        mesh,
        number,
        parent: number - 1,
        parentHash: before.headHash || NO_PARENT,
        time: new Date(1_700_000_000_000 + number).toISOString(),
        stateRoot: await rootOf({ objects, overlays: new Map() }),
      };
      const signature = await signHeader(header, signer);
      const kept = await keep({
        kind: "change",
        header,
        signature,
        requires,
        changes: list,
        overlays: [],
      });
      const state = { header, headHash: await headerHash(header), objects, overlays: new Map() };
      const revision = { ...kept, state, signature };
      revisions.push(revision);
      return revision;
    },
    async snapshot() {
      const last = revisions.at(-1);
      if (!last) throw new Error("there is no revision");
      return (await keep(snapshotOf(last.state, last.signature))).head;
    },
  };
}
