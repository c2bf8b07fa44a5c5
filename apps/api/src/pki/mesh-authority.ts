/** What a mesh's authority signs: certificates of workloads, and intermediates of agents. The root is made at first need. */
import { certificateAuthorities, type Tx } from "@heddle/db";
import {
  assertOwnNames,
  assertServerNames,
  type Authority,
  createRoot,
  exportPrivateKey,
  fingerprintOf,
  issueIntermediate,
  issueLeaf,
  LEAF_LIFETIME,
  openAuthority,
  parseSpiffeId,
  PkiError,
  readRequest,
} from "@heddle/pki";
import type { IssuedCertificates, TrustBundle } from "@heddle/client";
import type { AppDeps, MeshRecord, MeshRef } from "../deps.ts";
import { problem } from "../http/problem.ts";
import { lockMesh } from "../tenancy/mesh-store.ts";
import {
  type AuthorityRow,
  authorityState,
  type AuthorityState,
  lastRevocation,
  rootOf,
  trustBundleOf,
  versionOf,
} from "./authority-store.ts";
import { keptOpen } from "./kept-open.ts";
import { federationsInForce } from "./federations-in-force.ts";
import { withPkiProblems } from "./problems.ts";
import { revokedIdentities } from "./revocation-store.ts";

export interface MeshAuthority {
  /** Certificates for requests; who each one is, is what it asks for as far as the mesh and the agent may. `lifetime` in milliseconds. */
  certify(
    mesh: MeshRecord,
    requests: readonly string[],
    asking: { readonly namespaces: readonly string[] | undefined; readonly lifetime?: number },
  ): Promise<IssuedCertificates>;
  /** An intermediate that an agent signs with, kept to the mesh's trust domain and the DNS names that the request has. */
  delegate(
    mesh: MeshRecord,
    request: string,
    asking: { readonly namespaces: readonly string[] | undefined; readonly name: string },
  ): Promise<IssuedCertificates>;
  /** The roots that workloads should trust, and which of them signs. */
  trustBundle(mesh: MeshRecord): Promise<TrustBundle>;
}

type Deps = Pick<AppDeps, "db" | "clock" | "envelope" | "rooms">;

export function createMeshAuthority(deps: Deps): MeshAuthority {
  // What is in force is read each time, since other processes may change it.
  const opened = keptOpen<Authority>(deps.clock);
  const open = (mesh: MeshRecord, row: AuthorityRow): Promise<Authority> =>
    opened(row.wrappedKey, () => unseal(deps, mesh, row));
  const inForce = async (mesh: MeshRecord) => {
    const state = await stateOf(deps, mesh);
    return { authority: await open(mesh, state.issuer), trustBundle: trustBundleOf(state) };
  };
  const revokedOf = (mesh: MeshRecord) =>
    deps.db.withTenant(mesh.tenant, (tx) => revokedIdentities(tx, mesh));
  return {
    certify: (mesh, requests, { namespaces, lifetime = LEAF_LIFETIME }) =>
      withPkiProblems(async () => {
        const { authority, trustBundle } = await inForce(mesh);
        const revoked = new Set(await revokedOf(mesh));
        const issued = await Promise.all(
          requests.map(async (pem) => {
            const { publicKey, uris, dnsNames } = await readRequest(pem);
            const spiffeId = oneIdentity(uris);
            assertOwnNames(spiffeId, dnsNames);
            assertWithin(namespaces, spiffeId);
            if (revoked.has(spiffeId)) throw problem("HDL1075", `${spiffeId} was revoked.`);
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
    delegate: (mesh, request, { namespaces, name }) =>
      withPkiProblems(async () => {
        // What is below an intermediate cannot be kept to namespaces: a constraint sees only a URI's host.
        if (namespaces)
          throw problem(
            "HDL1074",
            `An agent of namespaces ${namespaces.join(", ")} asks for an intermediate, which would sign for every namespace.`,
          );
        const { publicKey, uris, dnsNames } = await readRequest(request);
        const asking = parseSpiffeId(oneIdentity(uris));
        if (asking.trustDomain !== mesh.trustDomain)
          throw new PkiError("HDL7103", `An agent of ${asking.trustDomain} asks to sign.`);
        assertServerNames(dnsNames);
        const { authority, trustBundle } = await inForce(mesh);
        const { chain, notAfter } = await issueIntermediate(authority, publicKey, {
          now: deps.clock(),
          name,
          dnsNames,
        });
        return { chains: [chain], trustBundle, expiresAt: notAfter.toISOString() };
      }),
    trustBundle: (mesh) =>
      withPkiProblems(async () => {
        const state = await stateOf(deps, mesh);
        // A key that cannot be opened is noticed here, and not when somebody waits for a certificate.
        await open(mesh, state.issuer);
        const { revoked, revocation } = await deps.db.withTenant(mesh.tenant, async (tx) => ({
          revoked: await revokedIdentities(tx, mesh),
          revocation: await lastRevocation(tx, mesh),
        }));
        const federated = await federationsInForce(deps, mesh);
        return {
          trustDomain: mesh.trustDomain,
          trustBundle: trustBundleOf(state),
          issuer: await fingerprintOf(rootOf(state.issuer)),
          version: await versionOf(state, revoked, federated),
          ...{ revoked, federations: [...federated.trusted] },
          ...(revocation === undefined ? {} : { revocation }),
        };
      }),
  };
}

function oneIdentity(uris: readonly string[]): string {
  const [spiffeId, ...more] = uris;
  if (spiffeId && more.length === 0) return spiffeId;
  const message = `A certificate request names ${uris.length} identities; it must name one.`;
  throw new PkiError("HDL7103", message);
}

function assertWithin(namespaces: readonly string[] | undefined, spiffeId: string): void {
  if (namespaces?.includes(parseSpiffeId(spiffeId).namespace) ?? true) return;
  throw problem(
    "HDL1074",
    `An agent of namespaces ${namespaces?.join(", ")} asks for ${spiffeId}.`,
  );
}

/** What the plane has below a root of the tenant's own. */
export const INTERMEDIATE = { kind: "intermediate" } as const;

/** What a private key of an authority is sealed for. */
export const purposeOf = (mesh: MeshRef, { kind }: Pick<AuthorityRow, "kind">) =>
  `mesh/${mesh.id}/${kind}`;

async function unseal({ envelope }: Deps, mesh: MeshRecord, row: AuthorityRow): Promise<Authority> {
  const key = await envelope.open(row.wrappedKey, purposeOf(mesh, row));
  return openAuthority(mesh.trustDomain, row.certificate, key);
}

/** Makes the mesh's first root where there is none; of several that do so at once all take the first one's. */
async function stateOf(deps: Deps, mesh: MeshRecord): Promise<AuthorityState> {
  const found = await deps.db.withTenant(mesh.tenant, (tx) => authorityState(tx, mesh));
  if (found) return found;
  const made = await deps.db.withTenant(mesh.tenant, async (tx) => {
    await lockMesh(tx, mesh);
    if (!(await authorityState(tx, mesh))) await insertRoot(deps, tx, mesh, { active: true });
    return authorityState(tx, mesh);
  });
  if (!made) throw new Error("A root was inserted and is not there.");
  await deps.rooms.room(mesh).authorityChanged?.();
  return made;
}

/** A new root of the plane's own; returns its id. */
export async function insertRoot(
  { clock, envelope }: Pick<Deps, "clock" | "envelope">,
  tx: Tx,
  mesh: MeshRecord,
  { active }: { readonly active: boolean },
): Promise<string> {
  const now = clock();
  const id = crypto.randomUUID();
  const { authority, keys, pem } = await createRoot(mesh.trustDomain, { now });
  const key = await exportPrivateKey(keys.privateKey);
  await tx.insert(certificateAuthorities).values({
    ...{ id, tenantId: mesh.tenant, meshId: mesh.id, kind: "root", certificate: pem },
    wrappedKey: await envelope.seal(key, purposeOf(mesh, { kind: "root" })),
    notBefore: authority.certificate.notBefore,
    notAfter: authority.certificate.notAfter,
    createdAt: new Date(now),
    activatedAt: active ? new Date(now) : null,
  });
  return id;
}
