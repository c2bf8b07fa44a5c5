/** Revisions: history, what changed between two, and going back to one, which is a new one. */
import type { ApplyResult, Page, RevisionDiff, RevisionInfo } from "@heddle/client";
import { MESH_SETTINGS_KEY } from "@heddle/model";
import type { MeshRecord, MeshRef } from "../deps.ts";
import { decodeCursor, pageOf } from "../http/cursor.ts";
import { problem } from "../http/problem.ts";
import { lockMesh } from "../tenancy/mesh-store.ts";
import { newFindings } from "./analysis.ts";
import type { ApplyContext, ApplyOptions } from "./apply.ts";
import { announce, changesTo, commitRevision, stateAfter, type Wanted } from "./commit.ts";
import { convergenceOf } from "./convergence.ts";
import { documentYaml } from "./documents.ts";
import { earlierAnswer, keepAnswer } from "./idempotency.ts";
import { checkMayDelete, checkOwners } from "./cluster-view.ts";
import {
  actionsOf,
  findRevision,
  listRevisions,
  netChanges,
  type RevisionRow,
  type StoredChange,
} from "./revision-store.ts";

/** Newest first. */
export async function pageOfRevisions(
  { deps }: ApplyContext,
  mesh: MeshRecord,
  page: { cursor?: string | undefined; limit: number },
): Promise<Page<RevisionInfo>> {
  const before =
    page.cursor === undefined ? undefined : Number(decodeCursor(page.cursor, ["number"])[0]);
  const { rows, actions } = await deps.db.withTenant(mesh.tenant, async (tx) => {
    const found = await listRevisions(tx, mesh, { before, limit: page.limit + 1 });
    return {
      rows: found,
      actions: await actionsOf(
        tx,
        mesh,
        found.slice(0, page.limit).map((row) => row.number),
      ),
    };
  });
  const { items, ...rest } = pageOf(rows, page.limit, (row) => [row.number]);
  // Only the newest can be on its way; what was superseded is no longer waited for.
  const convergence = await convergenceOf(deps, mesh, items[0]?.number ?? 0);
  return {
    items: items.map((row) => ({
      ...revisionInfo(row, actions.get(row.number) ?? []),
      convergence:
        row.number === convergence.revision ? convergence : superseded(row, convergence.state),
    })),
    ...rest,
  };
}

/** HDL1022 where there is none. */
export async function getRevision(
  { deps }: ApplyContext,
  mesh: MeshRecord,
  number: number,
): Promise<RevisionInfo> {
  const { row, actions } = await deps.db.withTenant(mesh.tenant, async (tx) => ({
    row: await findRevision(tx, mesh, number),
    actions: await actionsOf(tx, mesh, [number]),
  }));
  if (!row) throw noRevision(number);
  return {
    ...revisionInfo(row, actions.get(number) ?? []),
    convergence: await convergenceOf(deps, mesh, number),
  };
}

/** What lies between two revisions, in the direction asked; `from` is the parent unless told. 0 is the empty mesh. */
export async function diffRevisions(
  { deps }: ApplyContext,
  mesh: MeshRecord,
  to: number,
  from: number = to - 1,
): Promise<RevisionDiff> {
  for (const number of [from, to])
    if (number < 0 || number > mesh.revision) throw noRevision(number);
  const net = await deps.db.withTenant(mesh.tenant, (tx) =>
    netChanges(tx, mesh, { from: Math.min(from, to), to: Math.max(from, to) }),
  );
  const changes = from <= to ? net : net.map(inverse);
  return {
    from,
    to,
    objects: changes.map((change) => ({
      key: change.key,
      action: change.action,
      before: documentYaml(change.before),
      after: documentYaml(change.after),
    })),
  };
}

/**
 * Restores the state after revision `number` as a new revision. Findings are reported and never refuse: going back must
 * work when things are bad. HDL1022 where there is no such revision, HDL1030 where a cluster owns what would change.
 */
export async function rollback(
  { deps, states, clusters }: ApplyContext,
  mesh: MeshRef,
  number: number,
  {
    author,
    attempt,
    message,
    dryRun = false,
  }: ApplyOptions & { message: string | undefined; dryRun?: boolean | undefined },
): Promise<ApplyResult> {
  const done = await deps.db.withTenant(mesh.tenant, async (tx) => {
    const record = await lockMesh(tx, mesh);
    if (!record) throw problem("HDL1020", "The mesh was deleted meanwhile.");
    const earlier = attempt && (await earlierAnswer(tx, attempt));
    if (earlier !== undefined) return { result: earlier as ApplyResult };
    if (number < 0 || number > record.revision) throw noRevision(number);
    const state = await states.read(tx, record);
    const back = (await netChanges(tx, mesh, { from: number, to: record.revision })).map(inverse);
    const wanted = new Map<string, Wanted>(
      back
        .filter(staysSet)
        .map(({ key, after, afterHash, owner }) => [
          key,
          after === null || afterHash === null ? null : { document: after, hash: afterHash, owner },
        ]),
    );
    const changes = changesTo(state, wanted);
    const cluster = await clusters(tx, mesh);
    const keysOf = (deleted: boolean) =>
      changes.filter(({ after }) => (after === null) === deleted).map(({ key }) => key);
    checkOwners(cluster, state, keysOf(false));
    checkMayDelete(cluster, state, keysOf(true));
    const next = stateAfter(state, changes, record.revision + 1);
    const diagnostics = newFindings(state, next, new Set(wanted.keys()), new Map(), {
      strict: false,
      force: true,
      settings: record.settings,
      cluster,
    });
    const commit =
      changes.length === 0 || dryRun
        ? undefined
        : await commitRevision(deps, tx, record, {
            changes,
            before: state,
            next,
            author,
            message: message ?? `Roll back to revision ${number}`,
            rollbackOf: number,
          });
    const result: ApplyResult = {
      revision: commit ? commit.revision.number : record.revision,
      dryRun,
      changes: changes.map(({ key, action, before, after }) => ({
        key,
        action,
        ...(dryRun ? { before: documentYaml(before), after: documentYaml(after) } : {}),
      })),
      diagnostics,
    };
    if (attempt && !dryRun) await keepAnswer(deps, tx, mesh.tenant, attempt, result);
    return { result, record, commit };
  });
  if (done.commit) {
    states.keep(mesh.id, done.commit.state);
    await announce(deps, done.record, done.commit.revision);
  }
  return done.result;
}

/** A mesh keeps the settings that it has where it had chosen none. */
function staysSet({ key, after }: StoredChange): boolean {
  return key !== MESH_SETTINGS_KEY || after !== null;
}

function inverse(change: StoredChange): StoredChange {
  return {
    ...change,
    action:
      change.action === "created"
        ? "deleted"
        : change.action === "deleted"
          ? "created"
          : "configured",
    before: change.after,
    after: change.before,
    beforeHash: change.afterHash,
    afterHash: change.beforeHash,
  };
}

function revisionInfo(
  row: RevisionRow,
  changes: RevisionInfo["changes"],
): Omit<RevisionInfo, "convergence"> {
  return {
    number: row.number,
    parent: row.parent,
    createdAt: row.createdAt.toISOString(),
    author: row.author,
    message: row.message,
    stateRoot: row.stateRoot,
    hash: row.hash,
    signature: row.signature,
    changes,
    ...(row.rollbackOf === null ? {} : { rollbackOf: row.rollbackOf }),
  };
}

function superseded(
  row: RevisionRow,
  newest: RevisionInfo["convergence"]["state"],
): RevisionInfo["convergence"] {
  return {
    revision: row.number,
    proxies: 0,
    acknowledged: 0,
    ...(row.convergedAt ? { durationMs: row.convergedAt.getTime() - row.createdAt.getTime() } : {}),
    state: newest === "no-agents" ? "no-agents" : "applied",
  };
}

function noRevision(number: number) {
  return problem("HDL1022", `There is no revision ${number}.`);
}
