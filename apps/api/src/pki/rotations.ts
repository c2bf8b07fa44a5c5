/** Rotations of a mesh's root as the database keeps them: begun, taken further when everybody has followed, turned around. */
import { certificateAuthorities, eq, rootRotations, type Tx } from "@heddle/db";
import { afterStep, type Holder, holdersOf, reversed } from "@heddle/pki";
import type { RotationInfo } from "@heddle/client";
import type { AppDeps, MeshRecord, MeshRef } from "../deps.ts";
import { problem } from "../http/problem.ts";
import { type LiveAgent, meshRoom, type MeshRooms } from "../sync/rooms.ts";
import { lockMesh } from "../tenancy/mesh-store.ts";
import {
  authorityState,
  lastRotation,
  type OpenRotation,
  openRotation,
  preparedRoot,
  rootsOfRotation,
  type RotationRow,
  versionOf,
} from "./authority-store.ts";
import { insertRoot } from "./mesh-authority.ts";
import { federationsInForce } from "./federations-in-force.ts";
import { partnersOf } from "./federated-meshes.ts";
import { federationHolders } from "./federated-rotations.ts";
import { followersOf } from "./followers.ts";
import { hasPendingRevocations, markEffective, revokedIdentities } from "./revocation-store.ts";

/** Holders that one answer names. */
const NAMED_HOLDERS = 200;

type Deps = Pick<AppDeps, "db" | "clock">;

/** Begins a rotation to the authority; the mesh's row is locked. Throws `HDL1070` where one is under way. */
export async function beginRotation(
  { clock }: Pick<Deps, "clock">,
  tx: Tx,
  mesh: MeshRef,
  {
    to,
    automatic,
    urgent = false,
  }: { readonly to: string; readonly automatic: boolean; readonly urgent?: boolean },
): Promise<void> {
  const state = await authorityState(tx, mesh);
  if (!state) throw new Error(`Mesh ${mesh.id} has no authority to rotate from.`);
  await refuseWhileRotating(tx, mesh);
  const at = new Date(clock());
  await tx
    .update(certificateAuthorities)
    .set({ activatedAt: at })
    .where(eq(certificateAuthorities.id, to));
  await tx.insert(rootRotations).values({
    ...{ id: crypto.randomUUID(), tenantId: mesh.tenant, meshId: mesh.id },
    ...{ fromId: state.issuer.id, toId: to, step: "trusting", automatic, urgent },
    ...{ startedAt: at, steppedAt: at },
  });
}

export async function refuseWhileRotating(tx: Tx, mesh: MeshRef): Promise<void> {
  const open = await openRotation(tx, mesh);
  if (!open) return;
  const since = open.startedAt.toISOString();
  throw problem("HDL1070", `A rotation that began at ${since} is at its step ${open.step}.`);
}

/** To a new root of the plane's own. */
export async function startRotation(
  deps: AppDeps,
  mesh: MeshRecord,
  { automatic }: { readonly automatic: boolean },
): Promise<RotationInfo> {
  await deps.db.withTenant(mesh.tenant, async (tx) => {
    await lockMesh(tx, mesh);
    await refuseWhileRotating(tx, mesh);
    // Where nothing was issued yet there is nothing to rotate from: the first root is made, and then the second one.
    if (!(await authorityState(tx, mesh))) await insertRoot(deps, tx, mesh, { active: true });
    const to = await insertRoot(deps, tx, mesh, { active: false });
    await beginRotation(deps, tx, mesh, { to, automatic });
  });
  return changed(deps, mesh);
}

/** Goes on to the next step. Throws `HDL1072` where somebody holds it, unless forced: they are written down then. */
export async function advanceRotation(
  deps: AppDeps,
  mesh: MeshRecord,
  { force }: { readonly force: boolean },
): Promise<RotationInfo> {
  const live = await meshRoom(deps.rooms, mesh).agents();
  const beyond = await federationHolders(deps, mesh);
  await deps.db.withTenant(mesh.tenant, async (tx) => {
    const open = await lockedRotation(tx, mesh);
    const holders = [...(await holdersAt(deps, tx, mesh, open, live)), ...beyond];
    if (holders.length > 0 && !force)
      throw problem(
        "HDL1072",
        `${open.row.step} is held by ${holders.length}: ${firstOf(holders)}`,
      );
    await takeStep(deps, tx, open, holders);
  });
  return changed(deps, mesh);
}

/** Turns the rotation around. Throws `HDL1071` where there is none, or it leads back already, and `HDL1078` for an urgent one. */
export async function abortRotation(deps: AppDeps, mesh: MeshRecord): Promise<RotationInfo> {
  await deps.db.withTenant(mesh.tenant, async (tx) => {
    const { row } = await lockedRotation(tx, mesh);
    if (row.backwards) throw problem("HDL1071", "The rotation leads back already.");
    if (row.urgent) throw problem("HDL1078", "Back there is who was revoked.");
    const back = reversed({ from: row.fromId, to: row.toId, step: row.step });
    await tx
      .update(rootRotations)
      .set({
        ...{ fromId: back.from, toId: back.to, step: back.step },
        ...{ backwards: true, automatic: true, steppedAt: new Date(deps.clock()) },
      })
      .where(eq(rootRotations.id, row.id));
  });
  return changed(deps, mesh);
}

/** The last one of the mesh. */
export async function rotationInfo(
  deps: AppDeps,
  mesh: MeshRecord,
): Promise<RotationInfo | undefined> {
  const live = await meshRoom(deps.rooms, mesh).agents();
  const beyond = await federationHolders(deps, mesh);
  return deps.db.withTenant(mesh.tenant, async (tx) => {
    const row = await lastRotation(tx, mesh);
    if (!row) return undefined;
    const open = row.endedAt ? undefined : (await authorityState(tx, mesh))?.rotation;
    return infoOf(row, open ? [...(await holdersAt(deps, tx, mesh, open, live)), ...beyond] : []);
  });
}

/** What a mesh's room needs to know of its authorities, and to ask of them. */
export interface AuthorityWatch {
  /** Undefined while the mesh has needed none. */
  read(mesh: MeshRef): Promise<WatchedAuthority | undefined>;
  /** Goes on by itself where everybody has followed, or nobody is waited for any longer; whether it has. */
  look(mesh: MeshRef, live: readonly LiveAgent[]): Promise<boolean>;
  /** Other authorities are in force: meshes of the plane that federate with the mesh are told to look. */
  tellPartners(mesh: MeshRef): Promise<void>;
}

export interface WatchedAuthority {
  readonly version: string;
  /** Of a rotation that is under way. */
  readonly step: string | undefined;
  /** Somebody was revoked: time alone takes a rotation further, or begins one. */
  readonly urgent: boolean;
  /** Somebody beyond the mesh follows its roots: nothing here says when they have. */
  readonly federates: boolean;
}

/**
 * How long a step of an urgent rotation waits for those who have not followed, milliseconds: two of them, and the time that
 * proxies take for the last, are within the five seconds after which nobody takes who was revoked.
 */
const URGENT_STEP = 1_000;

export function createAuthorityWatch(deps: Deps & { readonly rooms: MeshRooms }): AuthorityWatch {
  return {
    async read(mesh) {
      const federated = await federationsInForce(deps, mesh);
      return deps.db.withTenant(mesh.tenant, async (tx) => {
        const state = await authorityState(tx, mesh);
        if (!state) return undefined;
        const row = state.rotation?.row;
        const urgent = row?.urgent === true || (await hasPendingRevocations(tx, mesh));
        const version = await versionOf(state, await revokedIdentities(tx, mesh), federated);
        const federates = federated.trusted.length > 0;
        return { version, step: row?.step, urgent, federates };
      });
    },
    async look(mesh, live) {
      const beyond = await federationHolders(deps, mesh);
      return deps.db.withTenant(mesh.tenant, async (tx) => {
        await lockMesh(tx, mesh);
        const open = (await authorityState(tx, mesh))?.rotation;
        if (!open?.row.urgent && (await hasPendingRevocations(tx, mesh)))
          return hurry(deps, tx, mesh, open);
        if (!open?.row.automatic) return false;
        const holders = [...(await holdersAt(deps, tx, mesh, open, live)), ...beyond];
        const isOver =
          open.row.urgent && deps.clock() - open.row.steppedAt.getTime() >= URGENT_STEP;
        if (holders.length > 0 && !isOver) return false;
        await takeStep(deps, tx, open, holders);
        return true;
      });
    },
    async tellPartners(mesh) {
      for (const { mesh: partner } of await partnersOf(deps, mesh))
        await deps.rooms.room(partner).authorityChanged();
    },
  };
}

/** Begins an urgent rotation, or makes one urgent that is under way: the next one follows it. Whether there was anything to do. */
async function hurry(
  deps: Deps,
  tx: Tx,
  mesh: MeshRef,
  open: OpenRotation | undefined,
): Promise<boolean> {
  if (open) {
    await tx
      .update(rootRotations)
      .set({ urgent: true, automatic: true, steppedAt: new Date(deps.clock()) })
      .where(eq(rootRotations.id, open.row.id));
    return true;
  }
  const prepared = await preparedRoot(tx, mesh);
  if (!prepared) return false;
  await beginRotation(deps, tx, mesh, { to: prepared.id, automatic: true, urgent: true });
  return true;
}

async function changed(deps: AppDeps, mesh: MeshRecord): Promise<RotationInfo> {
  await deps.rooms.room(mesh).authorityChanged?.();
  const info = await rotationInfo(deps, mesh);
  if (!info) throw new Error("A rotation was written and is not there.");
  return info;
}

async function lockedRotation(tx: Tx, mesh: MeshRef): Promise<OpenRotation> {
  await lockMesh(tx, mesh);
  const open = (await authorityState(tx, mesh))?.rotation;
  if (!open) throw problem("HDL1071", "The mesh's root is not being rotated.");
  return open;
}

async function takeStep(
  { clock }: Pick<Deps, "clock">,
  tx: Tx,
  { row, from }: OpenRotation,
  forced: readonly Holder[],
): Promise<void> {
  const at = new Date(clock());
  const step = afterStep(row.step);
  await tx
    .update(rootRotations)
    .set({
      ...(step ? { step, steppedAt: at } : { endedAt: at }),
      forced: [...row.forced, ...forced.slice(0, NAMED_HOLDERS)],
    })
    .where(eq(rootRotations.id, row.id));
  if (!step && row.urgent) await markEffective(tx, row.meshId, row.startedAt, at);
  // Nobody trusts it any more: a key that could still sign would be of use to a thief alone.
  if (!step)
    await tx
      .update(certificateAuthorities)
      .set({ retiredAt: at, wrappedKey: "" })
      .where(eq(certificateAuthorities.id, from.id));
}

async function holdersAt(
  deps: Deps,
  tx: Tx,
  mesh: MeshRef,
  open: OpenRotation,
  live: readonly LiveAgent[],
): Promise<Holder[]> {
  const followers = await followersOf(deps, tx, mesh, live);
  return holdersOf(open.row.step, await rootsOfRotation(open), followers);
}

function infoOf(row: RotationRow, holders: readonly Holder[]): RotationInfo {
  const { id, step, automatic, urgent, backwards, startedAt, steppedAt, endedAt, forced } = row;
  const state = endedAt
    ? backwards
      ? "aborted"
      : "completed"
    : backwards
      ? "aborting"
      : "running";
  return {
    ...{ id, from: row.fromId, to: row.toId, step, state, automatic, urgent },
    ...{ startedAt: startedAt.toISOString(), steppedAt: steppedAt.toISOString() },
    ...(endedAt ? { endedAt: endedAt.toISOString() } : {}),
    ...{ holders: holders.slice(0, NAMED_HOLDERS), allHolders: holders.length, forced },
  };
}

function firstOf(holders: readonly Holder[]): string {
  const named = holders
    .slice(0, 3)
    .map(({ agent, proxy, reason }) => `${proxy ? `${proxy} at ` : ""}${agent}: ${reason}`);
  return `${named.join("; ")}${holders.length > named.length ? "; and others." : "."}`;
}
