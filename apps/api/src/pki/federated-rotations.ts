/** Whom a new root has to be known to beyond the mesh itself, before anything is issued from it: those who federate with the mesh. */
import { BUNDLE_REFRESH_HINT, type Holder } from "@heddle/pki";
import type { AppDeps, MeshRef, SyncRooms } from "../deps.ts";
import { meshRoom } from "../sync/rooms.ts";
import { authorityState, openRotation, versionOf } from "./authority-store.ts";
import { agreeing, type Partner } from "./federated-meshes.ts";
import { federationRows, trustDomainOf } from "./federation-store.ts";
import { federationsInForce } from "./federations-in-force.ts";
import { followersOf } from "./followers.ts";
import { revokedIdentities } from "./revocation-store.ts";

type Deps = Pick<AppDeps, "db" | "clock"> & { readonly rooms: SyncRooms };

/** Whoever asks by the hint has asked twice by then, milliseconds. */
export const OUTSIDE_KNOWS_WITHIN = (2 * BUNDLE_REFRESH_HINT + 30) * 1000;

/** Those who do not know the new root yet, each by the name of its trust domain alone; none where nobody has to learn one. */
export async function federationHolders(deps: Deps, mesh: MeshRef): Promise<Holder[]> {
  const { rotation, trustDomain, rows } = await deps.db.withTenant(mesh.tenant, async (tx) => {
    const open = await openRotation(tx, mesh);
    const learns = open?.step === "trusting";
    return {
      rotation: open,
      trustDomain: learns && (await trustDomainOf(tx, mesh)),
      rows: learns ? await federationRows(tx, mesh) : [],
    };
  });
  if (!rotation || !trustDomain || rows.length === 0) return [];
  const known = rotation.steppedAt.getTime() + OUTSIDE_KNOWS_WITHIN;
  const outside = deps.clock() < known ? rows.filter(({ source }) => source.kind !== "mesh") : [];
  const partners = await agreeing(deps, { ...mesh, trustDomain }, rows);
  const behind = await Promise.all(partners.map((partner) => isBehind(deps, partner)));
  return [
    ...outside.map((row) => ({
      agent: row.trustDomain,
      reason: `it is outside of the plane, and given until ${new Date(known).toISOString()} to fetch the new root`,
    })),
    ...partners
      .filter((_, index) => behind[index])
      .map((partner) => ({
        agent: partner.trustDomain,
        reason: "not everybody in the mesh that this one federates with knows the new root",
      })),
  ];
}

/** Whether an agent of a mesh, or a proxy of it, has not taken over what is in force in that mesh. */
async function isBehind(deps: Deps, { mesh }: Partner): Promise<boolean> {
  const live = await meshRoom(deps.rooms, mesh).agents();
  const federated = await federationsInForce(deps, mesh);
  return deps.db.withTenant(mesh.tenant, async (tx) => {
    const state = await authorityState(tx, mesh);
    // Without a root of its own it has issued nothing to a proxy that could verify anybody.
    if (!state) return false;
    const version = await versionOf(state, await revokedIdentities(tx, mesh), federated);
    const followers = await followersOf(deps, tx, mesh, live);
    return followers.some(
      ({ connected, able, said, proxies }) =>
        !connected ||
        !able ||
        said?.version !== version ||
        said.missing.length > 0 ||
        proxies.some(({ held }) => held?.pending !== false),
    );
  });
}
