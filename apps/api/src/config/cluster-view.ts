/** What the mesh's clusters report that matters to a write: objects that are owned there, and services that exist there. */
import type { KnownService } from "@heddle/analysis";
import { originOf, type Diagnostic } from "@heddle/model";
import { agents, and, asc, eq, isNotNull, sql, type Tx } from "@heddle/db";
import type { MeshRef } from "../deps.ts";
import { problem } from "../http/problem.ts";
import type { AgentSummary } from "../sync/cluster-summary.ts";
import { hostedOwner, type MeshState, type StateEntry } from "./state.ts";

export interface ClusterView {
  /** Differs where anything in it does. */
  readonly version: string;
  /** The agent that owns an object, by the object's key. */
  readonly owners: ReadonlyMap<string, string>;
  readonly services: readonly KnownService[];
  /** What agents found out about objects while they were at work, by the object's origin. */
  readonly found: ReadonlyMap<string, readonly Diagnostic[]>;
}

/** Reads the newest reports; a report that has not changed is not read again. */
export type ClusterViews = (tx: Tx, mesh: MeshRef) => Promise<ClusterView>;

const empty: ClusterView = {
  version: "",
  owners: new Map(),
  services: [],
  found: new Map(),
};

/** Meshes whose view is kept. */
const MOST_KEPT = 500;

export function createClusterViews(): ClusterViews {
  const kept = new Map<string, ClusterView>();
  return async (tx, mesh) => {
    const reported = and(eq(agents.meshId, mesh.id), isNotNull(agents.summary));
    const versions = await tx
      .select({ id: agents.id, hash: sql<string>`${agents.summary} ->> 'hash'` })
      .from(agents)
      .where(reported)
      .orderBy(asc(agents.name));
    if (versions.length === 0) return empty;
    const version = versions.map(({ id, hash }) => `${id} ${hash}`).join("\n");
    const known = kept.get(mesh.id);
    if (known?.version === version) return known;
    const rows = await tx
      .select({ name: agents.name, summary: agents.summary })
      .from(agents)
      .where(reported)
      .orderBy(asc(agents.name));
    const view = viewOf(version, rows as { name: string; summary: AgentSummary }[]);
    kept.delete(mesh.id);
    kept.set(mesh.id, view);
    for (const oldest of kept.keys()) {
      if (kept.size <= MOST_KEPT) break;
      kept.delete(oldest);
    }
    return view;
  };
}

function viewOf(
  version: string,
  rows: readonly { name: string; summary: AgentSummary }[],
): ClusterView {
  const owners = new Map<string, string>();
  const services = new Map<string, KnownService>();
  const found = new Map<string, Diagnostic[]>();
  for (const { name, summary } of rows) {
    for (const { reference: _, ...each } of summary.diagnostics) {
      // The plane finds this out by itself.
      if (each.code === "HDL7210") continue;
      const known = found.get(each.origin) ?? [];
      if (!known.some((other) => other.code === each.code && other.message === each.message))
        found.set(each.origin, [...known, each as Diagnostic]);
    }
    for (const { key } of summary.objects) if (!owners.has(key)) owners.set(key, name);
    for (const { host, namespace, ports } of summary.services)
      if (!services.has(host))
        services.set(host, { host, namespace, ports: ports.map(({ port }) => port), exportTo: [] });
  }
  return { version, owners, services: [...services.values()], found };
}

/** Refuses with HDL1030 to write what a cluster owns. */
export function checkOwners(view: ClusterView, state: MeshState, keys: Iterable<string>): void {
  for (const key of keys) {
    const agent = view.owners.get(key);
    const owner =
      agent === undefined ? (state.entries.get(key)?.owner ?? hostedOwner) : `cluster:${agent}`;
    if (owner !== hostedOwner) throw problem("HDL1030", `${key} is owned by ${owner}.`);
  }
}

/** The same for deleting: what the plane holds beside a cluster may go, since that settles who owns it. */
export function checkMayDelete(view: ClusterView, state: MeshState, keys: Iterable<string>): void {
  const others = [...keys].filter((key) => state.entries.get(key)?.owner !== hostedOwner);
  checkOwners(view, state, others);
}

/** One warning for each of the plane's objects that a cluster has too: there the cluster's is in force. */
export function contested(view: ClusterView, entries: Iterable<StateEntry>): Diagnostic[] {
  const found: Diagnostic[] = [];
  for (const { key, object, owner } of entries) {
    const agent = view.owners.get(key);
    if (agent === undefined || owner !== hostedOwner || !object) continue;
    found.push({
      code: "HDL7210",
      level: "Warning",
      message: `${originOf(object)} is owned by the plane and by the cluster of agent ${agent} too; there the cluster's is in force`,
      origin: originOf(object),
      remedy:
        "Keep one of the two: delete it in the cluster, or with `heddle delete` in the plane.",
    });
  }
  return found;
}

/** What agents say of objects, or of all of them without `entries`, but for what is known already. */
export function reportedOf(
  view: ClusterView,
  known: readonly Diagnostic[],
  entries?: Iterable<StateEntry>,
): Diagnostic[] {
  const told = new Set(known.map(({ code, origin }) => `${code} ${origin}`));
  const origins = entries
    ? [...entries].flatMap(({ object }) => (object ? [originOf(object)] : []))
    : [...view.found.keys()];
  return origins.flatMap((each) =>
    (view.found.get(each) ?? []).filter(({ code, origin }) => !told.has(`${code} ${origin}`)),
  );
}
