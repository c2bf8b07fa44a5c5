/** One write to a mesh, of any size: parse, analyse the mesh as it would become, commit one revision, announce it. */
import type { ApplyRequest, ApplyResult, ObjectChangeInfo } from "@heddle/client";
import type { Diagnostic, ParsedObject } from "@heddle/model";
import type { Tx } from "@heddle/db";
import type { AppDeps, MeshRecord, MeshRef } from "../deps.ts";
import { problem } from "../http/problem.ts";
import { lockMesh } from "../tenancy/mesh-store.ts";
import { admit, storedForm } from "./admission.ts";
import { carryIndex, newFindings } from "./analysis.ts";
import {
  announce,
  changesTo,
  commitRevision,
  stateAfter,
  type Commit,
  type Wanted,
} from "./commit.ts";
import { documentYaml } from "./documents.ts";
import { earlierAnswer, keepAnswer, type Attempt } from "./idempotency.ts";
import { checkMayDelete, checkOwners, type ClusterViews } from "./cluster-view.ts";
import { checkSettingsStay } from "./settings-object.ts";
import type { StoredChange } from "./revision-store.ts";
import { hostedOwner, type MeshState } from "./state.ts";
import type { StateStore } from "./state-store.ts";

export interface ApplyContext {
  readonly deps: AppDeps;
  readonly states: StateStore;
  readonly clusters: ClusterViews;
}

export interface ApplyOptions {
  readonly author: string;
  readonly attempt?: Attempt | undefined;
  /** The one object that the request may hold; HDL1041 for another. */
  readonly only?: string;
  /** Called with the state that the write starts from; throws where a precondition fails. */
  readonly precondition?: (state: MeshState) => void;
}

/**
 * Applies a request. Refuses with HDL1040 (what is wrong with the configuration, as diagnostics), HDL1030 (owned by a
 * cluster), HDL1031 (`ifRevision` is not the newest), HDL1042 (nothing in it).
 */
export async function apply(
  context: ApplyContext,
  mesh: MeshRef,
  request: ApplyRequest,
  options: ApplyOptions,
): Promise<ApplyResult> {
  const { deps } = context;
  if (!request.files?.length && !request.objects?.length && !request.delete?.length)
    throw problem("HDL1042", "The request has neither files nor objects nor keys to delete.");
  const { objects, diagnostics } = await admit(request);
  refuseErrors(diagnostics);
  if (objects.size === 0 && !request.delete?.length)
    throw problem("HDL1042", "The files hold no object.");
  if (options.only !== undefined && !(objects.size === 1 && objects.has(options.only)))
    throw problem(
      "HDL1041",
      `The path says ${options.only}, the body ${[...objects.keys()].join(", ")}.`,
    );
  const { result, commit, record } = await deps.db.withTenant(mesh.tenant, (tx) =>
    applyLocked(context, tx, mesh, request, options, objects, diagnostics),
  );
  if (commit) {
    carryIndex(
      commit.before,
      commit.state,
      commit.revision.changes.map(({ key }) => key),
    );
    context.states.keep(mesh.id, commit.state);
    await announce(deps, record, commit.revision);
  }
  return result;
}

interface Applied {
  readonly result: ApplyResult;
  readonly commit?: Commit;
  readonly record: MeshRecord;
}

async function applyLocked(
  { deps, states, clusters }: ApplyContext,
  tx: Tx,
  mesh: MeshRef,
  request: ApplyRequest,
  options: ApplyOptions,
  objects: ReadonlyMap<string, ParsedObject>,
  parsing: readonly Diagnostic[],
): Promise<Applied> {
  const record = await lockMesh(tx, mesh);
  if (!record) throw problem("HDL1020", "The mesh was deleted meanwhile.");
  const { attempt } = options;
  const earlier = attempt && (await earlierAnswer(tx, attempt));
  if (earlier !== undefined) return { result: earlier as ApplyResult, record };
  checkRevision(request.ifRevision, record);
  const state = await states.read(tx, record);
  options.precondition?.(state);
  const deleted = request.delete ?? [];
  const cluster = await clusters(tx, mesh);
  checkOwners(cluster, state, objects.keys());
  checkMayDelete(cluster, state, deleted);
  checkSettingsStay(deleted);

  const wanted = await wantedOf(deps, state, objects, deleted);
  const changes = changesTo(state, wanted);
  const next = stateAfter(state, changes, record.revision + 1);
  const view = {
    strict: request.strict ?? false,
    force: request.force ?? false,
    settings: record.settings,
    cluster,
  };
  const found = newFindings(state, next, new Set(wanted.keys()), objects, view);
  const diagnostics = [...parsing, ...found];
  refuseErrors(diagnostics);

  const dryRun = request.dryRun ?? false;
  const write = !dryRun && changes.length > 0;
  const commit = write
    ? await commitRevision(deps, tx, record, {
        changes,
        before: state,
        next,
        author: options.author,
        message: request.message ?? "",
      })
    : undefined;
  const result: ApplyResult = {
    revision: commit ? commit.revision.number : record.revision,
    dryRun,
    changes: changeInfos(wanted.keys(), changes, dryRun),
    diagnostics,
  };
  if (attempt && !dryRun) await keepAnswer(deps, tx, mesh.tenant, attempt, result);
  return { result, record, ...(commit ? { commit } : {}) };
}

function checkRevision(expected: number | undefined, mesh: MeshRecord): void {
  if (expected === undefined || expected === mesh.revision) return;
  throw problem("HDL1031", `The newest revision is ${mesh.revision}, not ${expected}.`);
}

async function wantedOf(
  deps: AppDeps,
  state: MeshState,
  objects: ReadonlyMap<string, ParsedObject>,
  deleted: readonly string[],
): Promise<Map<string, Wanted>> {
  const now = new Date(deps.clock());
  const wanted = new Map<string, Wanted>();
  for (const key of deleted) {
    if (objects.has(key))
      throw problem("HDL1043", `${key} is both to be applied and to be deleted.`);
    if (!state.entries.has(key)) throw problem("HDL1021", `There is no object ${key} to delete.`);
    wanted.set(key, null);
  }
  const forms = [...objects].map(
    async ([key, { object }]) => [key, await storedForm(object, state, now)] as const,
  );
  for (const [key, form] of await Promise.all(forms))
    wanted.set(key, { ...form, owner: hostedOwner });
  return wanted;
}

function changeInfos(
  keys: Iterable<string>,
  changes: readonly StoredChange[],
  dryRun: boolean,
): ObjectChangeInfo[] {
  const byKey = new Map(changes.map((change) => [change.key, change]));
  return [...keys].map((key) => {
    const change = byKey.get(key);
    if (!change) return { key, action: "unchanged" };
    const info = { key, action: change.action };
    return dryRun
      ? { ...info, before: documentYaml(change.before), after: documentYaml(change.after) }
      : info;
  });
}

/** HDL1040 with all diagnostics where one of them is an error. */
export function refuseErrors(diagnostics: readonly Diagnostic[]): void {
  const errors = diagnostics.filter((diagnostic) => diagnostic.level === "Error");
  const [first] = errors;
  if (!first) return;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const where = first.reference ? `${first.reference}: ` : "";
  throw problem("HDL1040", `${where}${first.code} ${first.message}${more}`, { diagnostics });
}
