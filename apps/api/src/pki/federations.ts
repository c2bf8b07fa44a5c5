/** What a mesh federates with: declared, and taken back. */
import { and, eq, federations } from "@heddle/db";
import type { FederationInfo, NewFederation } from "@heddle/client";
import { readBundle } from "@heddle/pki";
import { MAX_FEDERATIONS } from "@heddle/sync";
import type { AppDeps, MeshRecord, MeshRef } from "../deps.ts";
import { problem } from "../http/problem.ts";
import { meshRoom } from "../sync/rooms.ts";
import { lockMesh } from "../tenancy/mesh-store.ts";
import { agreeing } from "./federated-meshes.ts";
import { listFederations } from "./federation-list.ts";
import { federationRows, type FederationSource, federationWith } from "./federation-store.ts";
import { withPkiProblems } from "./problems.ts";

/** What AuthorizationPolicies call the mesh's own trust domain, whatever its name is. */
const ANY_OWN = "cluster.local";

/**
 * Declares, or declares anew, that identities of the trust domain are taken. Throws `HDL1079` for what is the mesh's own, `HDL1083` where
 * there are too many, `HDL1084` for an endpoint of another trust domain's identity, and what `readBundle` throws.
 */
export async function federate(
  deps: AppDeps,
  mesh: MeshRecord,
  trustDomain: string,
  wanted: NewFederation,
): Promise<FederationInfo> {
  assertOther(mesh, trustDomain, wanted);
  const source = await withPkiProblems(async () => sourceOf(wanted, trustDomain, deps.clock()));
  const before = await partnersWith(deps, mesh, trustDomain);
  await deps.db.withTenant(mesh.tenant, async (tx) => {
    await lockMesh(tx, mesh);
    const others = (await federationRows(tx, mesh)).filter(
      (row) => row.trustDomain !== trustDomain,
    );
    if (others.length >= MAX_FEDERATIONS)
      throw problem(
        "HDL1083",
        `The mesh federates with ${others.length} trust domains; ${MAX_FEDERATIONS} are the most.`,
      );
    await tx
      .insert(federations)
      .values({
        ...{ meshId: mesh.id, tenantId: mesh.tenant, trustDomain, source },
        createdAt: new Date(deps.clock()),
      })
      .onConflictDoUpdate({
        target: [federations.meshId, federations.trustDomain],
        set: { source },
      });
  });
  await tell(deps, [mesh, ...before, ...(await partnersWith(deps, mesh, trustDomain))]);
  const { items } = await listFederations(deps, mesh);
  const made = items.find((each) => each.trustDomain === trustDomain);
  if (!made) throw new Error("A federation was written and is not there.");
  return made;
}

function assertOther(
  { id, trustDomain, settings }: MeshRecord,
  other: string,
  wanted: NewFederation,
): void {
  const refuse = (what: string) => problem("HDL1079", what);
  if (other === trustDomain) throw refuse(`${other} is the mesh's own trust domain.`);
  if (settings.trustDomainAliases?.includes(other))
    throw refuse(`${other} is an alias of the mesh's own trust domain.`);
  if (other === ANY_OWN)
    throw refuse(`In policies ${ANY_OWN} stands for the mesh's own trust domain.`);
  if (wanted.kind === "mesh" && wanted.mesh === id) throw refuse("This is the mesh itself.");
}

function sourceOf(wanted: NewFederation, trustDomain: string, now: number): FederationSource {
  const roots = (text: string) => readBundle(text, { trustDomain, now }).roots;
  if (wanted.kind === "bundle") return { kind: "bundle", bundle: roots(wanted.bundle) };
  if (wanted.kind === "mesh" || wanted.profile === "https_web") return wanted;
  const { endpointSpiffeId, bootstrap } = wanted;
  if (!endpointSpiffeId.startsWith(`spiffe://${trustDomain}/`))
    throw problem("HDL1084", `${endpointSpiffeId} is not of trust domain ${trustDomain}.`);
  return { ...wanted, bootstrap: roots(bootstrap) };
}

/** Takes it back: within seconds identities of the trust domain are refused. Throws `HDL1080`. */
export async function unfederate(
  deps: AppDeps,
  mesh: MeshRecord,
  trustDomain: string,
): Promise<void> {
  const row = await deps.db.withTenant(mesh.tenant, (tx) => federationWith(tx, mesh, trustDomain));
  if (!row) throw problem("HDL1080", `The mesh does not federate with ${trustDomain}.`);
  // Between meshes of the plane it is over at both ends.
  const partners = await partnersWith(deps, mesh, trustDomain);
  await deps.db.withTenant(mesh.tenant, (tx) =>
    tx
      .delete(federations)
      .where(and(eq(federations.meshId, mesh.id), eq(federations.trustDomain, trustDomain))),
  );
  await tell(deps, [mesh, ...partners]);
}

/** The mesh of the plane that agrees, where it is one. */
async function partnersWith(
  deps: AppDeps,
  mesh: MeshRecord,
  trustDomain: string,
): Promise<MeshRef[]> {
  const row = await deps.db.withTenant(mesh.tenant, (tx) => federationWith(tx, mesh, trustDomain));
  return (await agreeing(deps, mesh, row ? [row] : [])).map((partner) => partner.mesh);
}

async function tell({ rooms }: AppDeps, changed: readonly MeshRef[]): Promise<void> {
  for (const mesh of new Map(changed.map((each) => [each.id, each])).values())
    await meshRoom(rooms, mesh).authorityChanged();
}
