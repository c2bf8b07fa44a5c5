/** A mesh's authorities as rows: which of them are in force, and the rotation that leads from one to another. */
import {
  and,
  asc,
  certificateAuthorities,
  desc,
  eq,
  isNotNull,
  isNull,
  rootRotations,
  type Tx,
} from "@heddle/db";
import { fingerprintOf, inForce, type RotationRoots } from "@heddle/pki";
import { sha256 } from "@heddle/sync";
import type { MeshRef } from "../deps.ts";

export type AuthorityRow = typeof certificateAuthorities.$inferSelect;
export type RotationRow = typeof rootRotations.$inferSelect;

/** What a mesh signs with and trusts now. */
export interface AuthorityState {
  readonly issuer: AuthorityRow;
  /** The newest first. */
  readonly trusted: readonly AuthorityRow[];
  /** The one that has not ended. */
  readonly rotation: OpenRotation | undefined;
}

export interface OpenRotation {
  readonly row: RotationRow;
  readonly from: AuthorityRow;
  readonly to: AuthorityRow;
}

/** Undefined while the mesh has needed none. */
export async function authorityState(tx: Tx, mesh: MeshRef): Promise<AuthorityState | undefined> {
  const [rows, rotation] = [await activeRows(tx, mesh), await openRotation(tx, mesh)];
  const byId = new Map(rows.map((row) => [row.id, row]));
  const of = (id: string): AuthorityRow => {
    const row = byId.get(id);
    if (!row)
      throw new Error(`The rotation of mesh ${mesh.id} names an authority that is not there.`);
    return row;
  };
  if (rotation) {
    const { issuer, trusted } = inForce({
      ...{ from: rotation.fromId, to: rotation.toId },
      step: rotation.step,
    });
    const ends = { from: of(rotation.fromId), to: of(rotation.toId) };
    return {
      ...{ issuer: of(issuer), trusted: trusted.map(of) },
      rotation: { row: rotation, ...ends },
    };
  }
  const [newest] = rows;
  return newest && { issuer: newest, trusted: [newest], rotation: undefined };
}

function activeRows(tx: Tx, mesh: MeshRef): Promise<AuthorityRow[]> {
  const { meshId, activatedAt, retiredAt } = certificateAuthorities;
  return tx
    .select()
    .from(certificateAuthorities)
    .where(and(eq(meshId, mesh.id), isNotNull(activatedAt), isNull(retiredAt)))
    .orderBy(desc(activatedAt), asc(certificateAuthorities.id));
}

/** All that there were, the newest first. */
export function everyAuthority(tx: Tx, mesh: MeshRef): Promise<AuthorityRow[]> {
  return tx
    .select()
    .from(certificateAuthorities)
    .where(eq(certificateAuthorities.meshId, mesh.id))
    .orderBy(desc(certificateAuthorities.createdAt));
}

export async function openRotation(tx: Tx, mesh: MeshRef): Promise<RotationRow | undefined> {
  const [row] = await tx
    .select()
    .from(rootRotations)
    .where(and(eq(rootRotations.meshId, mesh.id), isNull(rootRotations.endedAt)));
  return row;
}

/** The one that was begun last, whether or not it has ended. */
export async function lastRotation(tx: Tx, mesh: MeshRef): Promise<RotationRow | undefined> {
  const [row] = await tx
    .select()
    .from(rootRotations)
    .where(eq(rootRotations.meshId, mesh.id))
    .orderBy(desc(rootRotations.startedAt))
    .limit(1);
  return row;
}

/**
 * Names the last time that a root was left behind because somebody was revoked, as soon as nobody trusts that root any more;
 * undefined where that never was.
 */
export async function lastRevocation(tx: Tx, mesh: MeshRef): Promise<string | undefined> {
  const { id, meshId, urgent, step, startedAt } = rootRotations;
  const [row] = await tx
    .select({ id })
    .from(rootRotations)
    .where(and(eq(meshId, mesh.id), eq(urgent, true), eq(step, "withdrawing")))
    .orderBy(desc(startedAt))
    .limit(1);
  return row?.id;
}

/** PEM of the root that an authority leads to. */
export const rootOf = ({ root, certificate }: AuthorityRow) => root || certificate;

/** PEM of the roots that are trusted, each once. */
export const trustBundleOf = ({ trusted }: AuthorityState) =>
  [...new Set(trusted.map(rootOf))].join("");

/**
 * Names what is in force, with the identities that are revoked and what the mesh federates with (`digest`, empty for nobody): whoever
 * has this version need not ask again. SHA-256, hexadecimal.
 */
export const versionOf = (
  { issuer, trusted }: AuthorityState,
  revoked: readonly string[],
  { digest }: { readonly digest: string },
) =>
  sha256(
    [...[issuer, ...trusted].map(({ id }) => id), ...revoked, ...(digest ? [digest] : [])].join(
      " ",
    ),
  );

/** A root that lies ready for an urgent rotation, and has signed nothing. */
export async function preparedRoot(tx: Tx, mesh: MeshRef): Promise<AuthorityRow | undefined> {
  const { meshId, kind, activatedAt, retiredAt } = certificateAuthorities;
  const [row] = await tx
    .select()
    .from(certificateAuthorities)
    .where(and(eq(meshId, mesh.id), eq(kind, "root"), isNull(activatedAt), isNull(retiredAt)))
    .limit(1);
  return row;
}

/** The fingerprints of both roots. */
export async function rootsOfRotation({ from, to }: OpenRotation): Promise<RotationRoots> {
  const [first, second] = await Promise.all([from, to].map((row) => fingerprintOf(rootOf(row))));
  return { from: first ?? "", to: second ?? "" };
}
