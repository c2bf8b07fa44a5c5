/** The authorities of a mesh, and how its tenant's own root comes among them: by a request that is signed elsewhere. */
import { authorityRequests, certificateAuthorities, eq, type Tx } from "@heddle/db";
import {
  createAuthorityRequest,
  describeCertificate,
  exportPrivateKey,
  fingerprintOf,
  generateKeyPair,
  readAuthorityChain,
  readRequest,
} from "@heddle/pki";
import type { AuthorityInfo, AuthorityRequest, MeshAuthorities } from "@heddle/client";
import type { AppDeps, MeshRecord } from "../deps.ts";
import { problem } from "../http/problem.ts";
import { lockMesh } from "../tenancy/mesh-store.ts";
import {
  type AuthorityRow,
  authorityState,
  type AuthorityState,
  everyAuthority,
  rootOf,
} from "./authority-store.ts";
import { INTERMEDIATE, purposeOf } from "./mesh-authority.ts";
import { withPkiProblems } from "./problems.ts";
import { beginRotation, refuseWhileRotating, rotationInfo } from "./rotations.ts";

export async function meshAuthorities(deps: AppDeps, mesh: MeshRecord): Promise<MeshAuthorities> {
  const rotation = await rotationInfo(deps, mesh);
  return deps.db.withTenant(mesh.tenant, async (tx) => {
    const [rows, state] = [await everyAuthority(tx, mesh), await authorityState(tx, mesh)];
    const request = await waitingRequest(tx, mesh);
    return {
      trustDomain: mesh.trustDomain,
      authorities: await Promise.all(rows.map((row) => infoOf(row, state))),
      ...(request ? { request: requestOf(request) } : {}),
      ...(rotation ? { rotation } : {}),
    };
  });
}

async function infoOf(
  row: AuthorityRow,
  state: AuthorityState | undefined,
): Promise<AuthorityInfo> {
  const root = rootOf(row);
  const { subject, serialNumber } = describeCertificate(row.certificate);
  const anchor = describeCertificate(root);
  return {
    ...{ id: row.id, kind: row.kind, state: standing(row, state), subject, serialNumber },
    notBefore: row.notBefore.toISOString(),
    notAfter: row.notAfter.toISOString(),
    root: {
      ...{ subject: anchor.subject, fingerprint: await fingerprintOf(root) },
      notAfter: anchor.notAfter.toISOString(),
    },
    createdAt: row.createdAt.toISOString(),
  };
}

function standing(
  { id, activatedAt, retiredAt }: AuthorityRow,
  state: AuthorityState | undefined,
): AuthorityInfo["state"] {
  if (retiredAt || !state) return "retired";
  if (!activatedAt) return "prepared";
  if (state.issuer.id === id) return "issuing";
  return state.trusted.some((each) => each.id === id) ? "trusted" : "leaving";
}

/** The request that waits; a new one, for a new key, where none does or `renew` is asked for. */
export function requestAuthority(
  deps: AppDeps,
  mesh: MeshRecord,
  { renew }: { readonly renew: boolean },
): Promise<AuthorityRequest> {
  return deps.db.withTenant(mesh.tenant, async (tx) => {
    await lockMesh(tx, mesh);
    const waiting = await waitingRequest(tx, mesh);
    if (waiting && !renew) return requestOf(waiting);
    const keys = await generateKeyPair();
    const key = await exportPrivateKey(keys.privateKey);
    const row = {
      request: await createAuthorityRequest(keys, mesh.trustDomain),
      wrappedKey: await deps.envelope.seal(key, purposeOf(mesh, INTERMEDIATE)),
      createdAt: new Date(deps.clock()),
    };
    await tx
      .insert(authorityRequests)
      .values({ meshId: mesh.id, tenantId: mesh.tenant, ...row })
      .onConflictDoUpdate({ target: authorityRequests.meshId, set: row });
    return requestOf(row);
  });
}

/**
 * Takes what the tenant's root has signed for the request. A mesh that has issued nothing issues from it at once; any other is
 * rotated to it. Throws `HDL1073` where no request waits, and what `readAuthorityChain` throws.
 */
export async function importAuthority(
  deps: AppDeps,
  mesh: MeshRecord,
  { chain: pem, automatic }: { readonly chain: string; readonly automatic: boolean },
): Promise<MeshAuthorities> {
  await withPkiProblems(() =>
    deps.db.withTenant(mesh.tenant, async (tx) => {
      await lockMesh(tx, mesh);
      await refuseWhileRotating(tx, mesh);
      const waiting = await waitingRequest(tx, mesh);
      if (!waiting) throw problem("HDL1073", "The mesh has asked for no intermediate.");
      const { publicKey } = await readRequest(waiting.request);
      const spki = (await crypto.subtle.exportKey("spki", publicKey)) as ArrayBuffer;
      const asked = { trustDomain: mesh.trustDomain, spki, now: deps.clock() };
      const { chain, root, notBefore, notAfter } = await readAuthorityChain(pem, asked);
      const first = (await authorityState(tx, mesh)) === undefined;
      const [id, at] = [crypto.randomUUID(), new Date(deps.clock())];
      await tx.insert(certificateAuthorities).values({
        ...{ id, tenantId: mesh.tenant, meshId: mesh.id, ...INTERMEDIATE },
        ...{ certificate: chain, root, wrappedKey: waiting.wrappedKey, notBefore, notAfter },
        ...{ createdAt: at, activatedAt: first ? at : null },
      });
      await tx.delete(authorityRequests).where(eq(authorityRequests.meshId, mesh.id));
      if (!first) await beginRotation(deps, tx, mesh, { to: id, automatic });
    }),
  );
  await deps.rooms.room(mesh).authorityChanged?.();
  return meshAuthorities(deps, mesh);
}

type RequestRow = typeof authorityRequests.$inferSelect;

async function waitingRequest(tx: Tx, mesh: MeshRecord): Promise<RequestRow | undefined> {
  const [row] = await tx
    .select()
    .from(authorityRequests)
    .where(eq(authorityRequests.meshId, mesh.id));
  return row;
}

const requestOf = ({ request, createdAt }: Pick<RequestRow, "request" | "createdAt">) => ({
  request,
  createdAt: createdAt.toISOString(),
});
