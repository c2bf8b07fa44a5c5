/** What a mesh federates with, as people are shown it: where bundles come from, which roots are in force, and what is wrong. */
import type { FederationInfo, FederationList } from "@heddle/client";
import { describeCertificate, expiryLevel, fingerprintOf, splitPem } from "@heddle/pki";
import type { FederatedRoot, FederationReport } from "@heddle/sync";
import type { AppDeps, MeshRecord } from "../deps.ts";
import { type LiveAgent, meshRoom } from "../sync/rooms.ts";
import { bundlePath } from "./bundle-endpoint.ts";
import { agreeing, type Partner } from "./federated-meshes.ts";
import { federationRows, type FederationRow, type FederationSource } from "./federation-store.ts";

/** By trust domain. */
export async function listFederations(deps: AppDeps, mesh: MeshRecord): Promise<FederationList> {
  const live = await meshRoom(deps.rooms, mesh).agents();
  const rows = await deps.db.withTenant(mesh.tenant, (tx) => federationRows(tx, mesh));
  const partners = await agreeing(deps, mesh, rows);
  const now = deps.clock();
  const items = rows.map((row) => {
    const partner = partners.find(({ trustDomain }) => trustDomain === row.trustDomain);
    return infoOf(row, partner, live, now);
  });
  return {
    ...{ trustDomain: mesh.trustDomain, mesh: mesh.id, endpoint: bundlePath(mesh) },
    items: await Promise.all(items),
  };
}

async function infoOf(
  { trustDomain, source, createdAt }: FederationRow,
  partner: Partner | undefined,
  live: readonly LiveAgent[],
  now: number,
): Promise<FederationInfo> {
  const said = live.flatMap(({ name, federations }) =>
    federations.filter((each) => each.trustDomain === trustDomain).map((each) => ({ name, each })),
  );
  const agents = said.map(({ name, each: { roots: _, trustDomain: __, ...rest } }) => ({
    agent: name,
    ...rest,
  }));
  const given = source.kind === "bundle" ? source.bundle : (partner?.bundle?.roots ?? "");
  const roots =
    source.kind === "endpoint"
      ? eachOnce(said.flatMap(({ each }) => each.roots))
      : await Promise.all(splitPem(given).map(describedRoot));
  const sequences = agents.flatMap(({ sequence = [] }) => sequence);
  const sequence = partner?.bundle?.sequence ?? (sequences.length > 0 && Math.max(...sequences));
  const leveled = withLevels(roots, now);
  return {
    ...{ trustDomain, source: publicSource(source), createdAt: createdAt.toISOString() },
    state: stateOf(leveled, agents),
    ...(sequence ? { sequence } : {}),
    ...{ roots: leveled, agents },
  };
}

/** Nothing is in force without a root. */
function stateOf(
  roots: FederationInfo["roots"],
  agents: FederationInfo["agents"],
): FederationInfo["state"] {
  const failing = agents.some(({ error }) => error !== undefined);
  if (failing || (roots.length > 0 && roots.every(({ level }) => level === "expired")))
    return "failing";
  return roots.length > 0 ? "inForce" : "waiting";
}

/** Roots of other trust domains, as far as agents have them in force: each trust domain's with their levels. */
export function federatedRoots(
  reports: readonly FederationReport[],
  now: number,
): (FederatedRoot & { readonly level: FederationInfo["roots"][number]["level"] })[] {
  return [...Map.groupBy(reports, ({ trustDomain }) => trustDomain).values()].flatMap((said) =>
    withLevels(eachOnce(said.flatMap(({ roots }) => roots)), now),
  );
}

const eachOnce = (roots: readonly FederatedRoot[]): FederatedRoot[] => [
  ...new Map(roots.map((root) => [root.fingerprint, root])).values(),
];

/** One that ends while another one of its trust domain goes on is no worry: it has been rotated. */
function withLevels(roots: readonly FederatedRoot[], now: number) {
  const times = (root: FederatedRoot) => ({
    ...{ notBefore: Date.parse(root.notBefore), notAfter: Date.parse(root.notAfter) },
  });
  const last = Math.max(...roots.map((root) => times(root).notAfter));
  return roots.map((root) => {
    const level = expiryLevel("federated", times(root), now);
    return { ...root, level: times(root).notAfter < last && level !== "expired" ? "ok" : level };
  });
}

async function describedRoot(pem: string): Promise<FederatedRoot> {
  const { subject, serialNumber, notBefore, notAfter } = describeCertificate(pem);
  return {
    ...{ fingerprint: await fingerprintOf(pem), subject, serialNumber },
    ...{ notBefore: notBefore.toISOString(), notAfter: notAfter.toISOString() },
  };
}

/** Without the certificates. */
function publicSource(source: FederationSource): FederationInfo["source"] {
  if (source.kind === "bundle") return { kind: "bundle" };
  if (source.kind === "mesh" || source.profile === "https_web") return source;
  const { bootstrap: _, ...rest } = source;
  return rest;
}
