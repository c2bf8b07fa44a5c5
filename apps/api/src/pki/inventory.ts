/** Every certificate that is alive in a mesh, as far as its agents say: what it is, who has it, and whether its end is near. */
import type { CertificateInfo, CertificateList } from "@heddle/client";
import {
  describeCertificate,
  EXPIRY_ORDER,
  type ExpiryLevel,
  expiryLevel,
  type ExpiryRule,
} from "@heddle/pki";
import type { AppDeps, MeshRecord } from "../deps.ts";
import { decodeCursor, pageOf } from "../http/cursor.ts";
import { listAgents } from "../sync/agent-store.ts";
import { type LiveAgent, meshRoom } from "../sync/rooms.ts";
import { federatedRoots } from "./federation-list.ts";
import { type AuthorityRow, authorityState, rootOf } from "./authority-store.ts";

interface InventoryRequest {
  readonly cursor?: string | undefined;
  readonly limit: number;
  /** As bad as this at least. */
  readonly level: ExpiryLevel;
}

/** The one that ends first before the others. */
export async function inventory(
  deps: AppDeps,
  mesh: MeshRecord,
  { cursor, limit, level }: InventoryRequest,
): Promise<CertificateList> {
  const live = await meshRoom(deps.rooms, mesh).agents();
  const { rows, state } = await deps.db.withTenant(mesh.tenant, async (tx) => ({
    rows: await listAgents(tx, mesh, { after: undefined, limit: 10_000 }),
    state: await authorityState(tx, mesh),
  }));
  const byId = new Map(live.map((agent) => [agent.id, agent]));
  const now = deps.clock();
  const all = [
    ...authorityCertificates(state?.trusted ?? [], now),
    ...federatedRoots(
      live.flatMap(({ federations }) => federations),
      now,
    ).map(({ fingerprint: _, ...root }) => ({
      ...{ kind: "federated" as const, issuer: root.subject, ...root },
    })),
    ...rows.flatMap(({ id, name }) => ofAgent(byId.get(id), name, now)),
  ].toSorted((a, b) => (place(a) < place(b) ? -1 : 1));
  const after = cursor === undefined ? undefined : decodeCursor(cursor, ["string"])[0];
  const wanted = all.filter(
    (each) =>
      EXPIRY_ORDER.indexOf(each.level) >= EXPIRY_ORDER.indexOf(level) &&
      (after === undefined || place(each) > String(after)),
  );
  const count = (of: ExpiryLevel) => all.filter((each) => each.level === of).length;
  const silent = ({ id }: { id: string }) =>
    !byId.get(id)?.followers.some(({ connected, able }) => connected && able);
  return {
    ...pageOf(wanted.slice(0, limit + 1), limit, (each) => [place(each)]),
    alerts: {
      ...{ warning: count("warning"), critical: count("critical") },
      expired: count("expired"),
    },
    unknown: rows.filter(silent).map(({ name }) => name),
  };
}

const place = ({ notAfter, kind, serialNumber, agent = "" }: CertificateInfo) =>
  [notAfter, kind, serialNumber, agent].join(" ");

/** Roots that are trusted, and the plane's intermediates below those of tenants. */
function authorityCertificates(trusted: readonly AuthorityRow[], now: number): CertificateInfo[] {
  const roots = new Set(trusted.map(rootOf));
  const intermediates = trusted.filter(({ kind }) => kind === "intermediate");
  return [
    ...[...roots].map((pem) => described("root", pem, now)),
    ...intermediates.map(({ certificate }) => described("intermediate", certificate, now)),
  ];
}

function described(kind: "root" | "intermediate", pem: string, now: number): CertificateInfo {
  const { subject, issuer, serialNumber, notBefore, notAfter } = describeCertificate(pem);
  const times = { notBefore: notBefore.toISOString(), notAfter: notAfter.toISOString() };
  return withLevel({ kind, subject, issuer, serialNumber, ...times }, now);
}

function ofAgent(live: LiveAgent | undefined, agent: string, now: number): CertificateInfo[] {
  if (!live) return [];
  // An agent without an intermediate has each leaf signed by the plane.
  const rule = live.intermediates.length === 0 ? "direct" : "leaf";
  const leaves = new Map<string, CertificateInfo & { proxies: string[] }>();
  for (const { name, trust } of live.proxies) {
    if (!trust?.leaf) continue;
    const { spiffeId: subject, root: _, ...leaf } = trust.leaf;
    const known = leaves.get(leaf.serialNumber);
    if (known) known.proxies.push(name);
    else
      leaves.set(leaf.serialNumber, {
        ...withLevel({ kind: "leaf", subject, agent, ...leaf }, now, rule),
        proxies: [name],
      });
  }
  return [
    ...live.intermediates.map((each) => withLevel({ kind: "agent", agent, ...each }, now)),
    ...leaves.values(),
  ];
}

function withLevel(
  certificate: Omit<CertificateInfo, "level">,
  now: number,
  rule: ExpiryRule = certificate.kind,
): CertificateInfo {
  const [notBefore, notAfter] = [certificate.notBefore, certificate.notAfter].map(Date.parse);
  const times = { notBefore: notBefore ?? 0, notAfter: notAfter ?? 0 };
  return { ...certificate, level: expiryLevel(rule, times, now) };
}
