/** A mesh's certificate authority: its root, made at first need, and what it signs. */
import { and, certificateAuthorities, desc, eq, isNull, type Tx } from "@heddle/db";
import {
  assertOwnNames,
  assertServerNames,
  type Authority,
  createEnvelope,
  createRoot,
  exportPrivateKey,
  issueIntermediate,
  issueLeaf,
  LEAF_LIFETIME,
  openAuthority,
  parseSpiffeId,
  PkiError,
  readRequest,
} from "@heddle/pki";
import type { IssuedCertificates } from "@heddle/client";
import type { AppDeps, MeshRecord } from "../deps.ts";
import { lockMesh } from "../tenancy/mesh-store.ts";
import { withPkiProblems } from "./problems.ts";

export interface MeshAuthority {
  /** Certificates for requests; who each one is, is what it asks for as far as the mesh's policy lets it. `lifetime` in milliseconds. */
  certify(
    mesh: MeshRecord,
    requests: readonly string[],
    lifetime?: number,
  ): Promise<IssuedCertificates>;
  /** An intermediate that an agent signs with, kept to the mesh's trust domain and the DNS names that the request has. */
  delegate(mesh: MeshRecord, request: string, name: string): Promise<IssuedCertificates>;
  /** PEM of every root that workloads should trust, newest first. */
  trustBundle(mesh: MeshRecord): Promise<string>;
}

interface OpenRoot {
  readonly authority: Authority;
  readonly trustBundle: string;
}

export function createMeshAuthority(
  deps: Pick<AppDeps, "db" | "clock" | "envelopeKey">,
): MeshAuthority {
  const roots = new Map<string, Promise<OpenRoot>>();
  const rootOf = (mesh: MeshRecord): Promise<OpenRoot> => {
    const known = roots.get(mesh.id);
    if (known) return known;
    const opening = openRoot(deps, mesh);
    roots.set(mesh.id, opening);
    opening.catch(() => roots.delete(mesh.id));
    return opening;
  };
  return {
    certify: (mesh, requests, lifetime = LEAF_LIFETIME) =>
      withPkiProblems(async () => {
        const { authority, trustBundle } = await rootOf(mesh);
        const issued = await Promise.all(
          requests.map(async (pem) => {
            const { publicKey, uris, dnsNames } = await readRequest(pem);
            const spiffeId = oneIdentity(uris);
            assertOwnNames(spiffeId, dnsNames);
            const now = deps.clock();
            return issueLeaf(authority, publicKey, { now, lifetime, spiffeId, dnsNames });
          }),
        );
        const expiry = Math.min(...issued.map(({ notAfter }) => notAfter.getTime()));
        return {
          chains: issued.map(({ chain }) => chain),
          trustBundle,
          expiresAt: new Date(expiry).toISOString(),
        };
      }),
    delegate: (mesh, request, name) =>
      withPkiProblems(async () => {
        const { authority, trustBundle } = await rootOf(mesh);
        const { publicKey, uris, dnsNames } = await readRequest(request);
        const asking = parseSpiffeId(oneIdentity(uris));
        if (asking.trustDomain !== mesh.trustDomain)
          throw new PkiError("HDL7103", `An agent of ${asking.trustDomain} asks to sign.`);
        assertServerNames(dnsNames);
        const { chain, notAfter } = await issueIntermediate(authority, publicKey, {
          now: deps.clock(),
          name,
          dnsNames,
        });
        return { chains: [chain], trustBundle, expiresAt: notAfter.toISOString() };
      }),
    trustBundle: (mesh) => withPkiProblems(async () => (await rootOf(mesh)).trustBundle),
  };
}

function oneIdentity(uris: readonly string[]): string {
  const [spiffeId, ...more] = uris;
  if (spiffeId && more.length === 0) return spiffeId;
  const message = `A certificate request names ${uris.length} identities; it must name one.`;
  throw new PkiError("HDL7103", message);
}

async function openRoot(
  deps: Pick<AppDeps, "db" | "clock" | "envelopeKey">,
  mesh: MeshRecord,
): Promise<OpenRoot> {
  const envelope = await createEnvelope(deps.envelopeKey);
  const purpose = `mesh/${mesh.id}/root`;
  const rows = await deps.db.withTenant(mesh.tenant, async (tx) => {
    const found = await rootRows(tx, mesh);
    if (found.length > 0) return found;
    await lockMesh(tx, mesh);
    const others = await rootRows(tx, mesh);
    if (others.length > 0) return others;
    const now = deps.clock();
    const { authority, keys, pem } = await createRoot(mesh.trustDomain, { now });
    return tx
      .insert(certificateAuthorities)
      .values({
        id: crypto.randomUUID(),
        tenantId: mesh.tenant,
        meshId: mesh.id,
        kind: "root",
        certificate: pem,
        wrappedKey: await envelope.seal(await exportPrivateKey(keys.privateKey), purpose),
        notBefore: authority.certificate.notBefore,
        notAfter: authority.certificate.notAfter,
        createdAt: new Date(now),
      })
      .returning();
  });
  const [newest] = rows;
  if (!newest) throw new Error("A root was inserted and is not there.");
  const key = await envelope.open(newest.wrappedKey, purpose);
  return {
    authority: await openAuthority(mesh.trustDomain, newest.certificate, key),
    trustBundle: rows.map(({ certificate }) => certificate).join(""),
  };
}

function rootRows(tx: Tx, mesh: MeshRecord) {
  return tx
    .select()
    .from(certificateAuthorities)
    .where(
      and(
        eq(certificateAuthorities.meshId, mesh.id),
        eq(certificateAuthorities.kind, "root"),
        isNull(certificateAuthorities.retiredAt),
      ),
    )
    .orderBy(desc(certificateAuthorities.createdAt));
}
