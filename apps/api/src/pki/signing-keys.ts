/** The keys that sign a mesh's revisions: made at first need, sealed at rest, opened once for each process. */
import { and, desc, eq, isNull, signingKeys, type Tx } from "@heddle/db";
import type { Envelope } from "@heddle/pki";
import {
  generateSigningKey,
  headerHash,
  importSigner,
  keyId,
  type PublicSigningKey,
  signHeader,
} from "@heddle/sync";
import type { AppDeps, MeshRef, RevisionSigner } from "../deps.ts";
import { lockMesh } from "../tenancy/mesh-store.ts";
import { keptOpen } from "./kept-open.ts";

export interface SigningKey {
  readonly id: string;
  readonly publicKey: PublicSigningKey;
}

/** Signs with the mesh's newest key. */
export function createRevisionSigner({
  clock,
  envelope,
}: Pick<AppDeps, "clock" | "envelope">): RevisionSigner {
  // What an undone transaction left here is never asked for: no other key is sealed as it is.
  const opened = keptOpen<CryptoKey>(clock);
  return {
    async sign(tx, mesh, header) {
      const row = (await newestKey(tx, mesh)) ?? (await makeKey(tx, mesh, envelope, clock()));
      const signer = opened(row.wrappedKey, () => openKey(envelope, mesh, row.wrappedKey));
      const [hash, signature] = await Promise.all([
        headerHash(header),
        signHeader(header, await signer),
      ]);
      return { hash, signature, keyId: row.id };
    },
  };
}

/** The public key that agents of the mesh pin; made where there is none yet. */
export function signingKeyOf(
  deps: Pick<AppDeps, "db" | "clock" | "envelope">,
  mesh: MeshRef,
): Promise<SigningKey> {
  return deps.db.withTenant(mesh.tenant, async (tx) => {
    const row =
      (await newestKey(tx, mesh)) ?? (await makeKey(tx, mesh, deps.envelope, deps.clock()));
    return { id: row.id, publicKey: publicKeyOf(row.publicKey) };
  });
}

type Row = typeof signingKeys.$inferSelect;

async function newestKey(tx: Tx, mesh: MeshRef): Promise<Row | undefined> {
  const [row] = await tx
    .select()
    .from(signingKeys)
    .where(and(eq(signingKeys.meshId, mesh.id), isNull(signingKeys.retiredAt)))
    .orderBy(desc(signingKeys.createdAt))
    .limit(1);
  return row;
}

/** Two transactions may both make a first key: the mesh's row is locked before, and looked at again. */
async function makeKey(tx: Tx, mesh: MeshRef, envelope: Envelope, now: number): Promise<Row> {
  await lockMesh(tx, mesh);
  const other = await newestKey(tx, mesh);
  if (other) return other;
  const { publicKey, privateKey } = await generateSigningKey();
  const [row] = await tx
    .insert(signingKeys)
    .values({
      id: await keyId(publicKey),
      tenantId: mesh.tenant,
      meshId: mesh.id,
      publicKey: publicKey.x,
      wrappedKey: await envelope.seal(JSON.stringify(privateKey), signingPurpose(mesh)),
      createdAt: new Date(now),
    })
    .returning();
  if (!row) throw new Error("A signing key was inserted and is not there.");
  return row;
}

async function openKey(envelope: Envelope, mesh: MeshRef, wrapped: string): Promise<CryptoKey> {
  return importSigner(JSON.parse(await envelope.open(wrapped, signingPurpose(mesh))));
}

/** What a private key that signs revisions is sealed for. */
export const signingPurpose = (mesh: MeshRef) => `mesh/${mesh.id}/signing`;

const publicKeyOf = (x: string): PublicSigningKey => ({ kty: "OKP", crv: "Ed25519", x });
