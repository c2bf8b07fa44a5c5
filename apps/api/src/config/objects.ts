/** Single objects: list, read, put, delete. */
import type { ApplyResult, Page, StoredObject } from "@heddle/client";
import { originOf } from "@heddle/model";
import type { MeshRecord } from "../deps.ts";
import { decodeCursor, pageOf } from "../http/cursor.ts";
import { problem } from "../http/problem.ts";
import { findingsAbout, statusOf } from "./analysis.ts";
import { contested, reportedOf } from "./cluster-view.ts";
import { apply, type ApplyContext, type ApplyOptions } from "./apply.ts";
import { read, type Reading } from "./reading.ts";
import type { MeshState, StateEntry } from "./state.ts";

export interface ObjectFilter {
  readonly group?: string | undefined;
  readonly kind?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly owner?: string | undefined;
  /** `key=value` or `key`, comma-separated; all must hold. */
  readonly labels?: string | undefined;
}

/** Sorted by key. */
export async function listObjects(
  context: ApplyContext,
  mesh: MeshRecord,
  filter: ObjectFilter,
  page: { cursor?: string | undefined; limit: number },
): Promise<Page<StoredObject>> {
  const after = page.cursor === undefined ? "" : String(decodeCursor(page.cursor, ["string"])[0]);
  const reading = await read(context, mesh);
  const { state } = reading;
  const matching = [...state.entries.values()]
    .filter((entry) => entry.key > after && matches(entry, filter))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const { items, ...rest } = pageOf(matching, page.limit, (entry) => [entry.key]);
  return { items: storedObjects(mesh, reading, items), ...rest };
}

/** HDL1021 where there is none. */
export async function getObject(
  context: ApplyContext,
  mesh: MeshRecord,
  key: string,
): Promise<StoredObject> {
  const reading = await read(context, mesh);
  const { state } = reading;
  const entry = state.entries.get(key);
  if (!entry) throw noObject(key);
  const [object] = storedObjects(mesh, reading, [entry]);
  if (!object) throw noObject(key);
  return object;
}

export interface PutOptions extends Omit<ApplyOptions, "precondition"> {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly dryRun: boolean;
  readonly strict: boolean;
  readonly force: boolean;
  readonly message: string | undefined;
}

/** `created` tells whether there was none before. HDL1041 where the body is another object than the path says. */
export async function putObject(
  context: ApplyContext,
  mesh: MeshRecord,
  path: { key: string; namespace: string },
  body: unknown,
  options: PutOptions,
): Promise<{ created: boolean; result: ApplyResult }> {
  const { author, attempt, dryRun, strict, force } = options;
  const request = {
    objects: [body],
    namespace: path.namespace,
    dryRun,
    strict,
    force,
    ...(options.message === undefined ? {} : { message: options.message }),
  };
  const result = await apply(context, mesh, request, {
    author,
    attempt,
    only: path.key,
    precondition: (state) => checkTags(state, path.key, options),
  });
  return { created: result.changes[0]?.action === "created", result };
}

/** HDL1021 where there is none. */
export async function deleteObject(
  context: ApplyContext,
  mesh: MeshRecord,
  key: string,
  options: PutOptions,
): Promise<ApplyResult> {
  const { author, attempt, dryRun, strict, force } = options;
  const request = {
    delete: [key],
    dryRun,
    strict,
    force,
    ...(options.message === undefined ? {} : { message: options.message }),
  };
  return apply(context, mesh, request, {
    author,
    attempt,
    precondition: (state) => checkTags(state, key, options),
  });
}

/** An object's ETag: the revision that last changed it. */
export const entityTag = (revision: number) => `"${revision}"`;

function checkTags(
  state: MeshState,
  key: string,
  { ifMatch, ifNoneMatch }: Pick<PutOptions, "ifMatch" | "ifNoneMatch">,
): void {
  const entry = state.entries.get(key);
  const holds = (header: string) =>
    entry !== undefined &&
    header.split(",").some((tag) => tag.trim() === "*" || tag.trim() === entityTag(entry.revision));
  if (ifMatch !== undefined && !holds(ifMatch))
    throw problem(
      "HDL1032",
      entry
        ? `${key} was last changed by revision ${entry.revision}, not ${ifMatch}.`
        : `There is no ${key}.`,
    );
  if (ifNoneMatch !== undefined && holds(ifNoneMatch))
    throw problem(
      "HDL1032",
      `There is a ${key} already, last changed by revision ${entry?.revision}.`,
    );
}

function noObject(key: string) {
  return problem("HDL1021", `There is no object ${key}.`);
}

function matches(entry: StateEntry, filter: ObjectFilter): boolean {
  const [group, kind, namespace, name] = entry.key.split("/");
  const wantedNamespace = filter.namespace === "" ? "-" : filter.namespace;
  return (
    (filter.group === undefined || filter.group === group) &&
    (filter.kind === undefined || filter.kind.toLowerCase() === kind?.toLowerCase()) &&
    (wantedNamespace === undefined || wantedNamespace === namespace) &&
    (filter.name === undefined || filter.name === name) &&
    (filter.owner === undefined || filter.owner === entry.owner) &&
    (filter.labels === undefined || hasLabels(entry, filter.labels))
  );
}

function hasLabels(entry: StateEntry, selector: string): boolean {
  const labels = entry.object?.metadata.labels ?? {};
  return selector.split(",").every((term) => {
    const [name = "", value] = term.split("=", 2);
    const has = labels[name.trim()];
    return value === undefined ? has !== undefined : has === value.trim();
  });
}

/** Entries as the API shows them, each with what is found about it. */
function storedObjects(
  mesh: MeshRecord,
  { state, cluster }: Reading,
  entries: readonly StateEntry[],
): StoredObject[] {
  const view = { strict: false, force: true, settings: mesh.settings, cluster };
  const keys = entries.map(({ key }) => key);
  const own = [...findingsAbout(state, view, keys), ...contested(cluster, entries)];
  const found = [...own, ...reportedOf(cluster, own, entries)];
  const byOrigin = Map.groupBy(found, ({ origin }) => origin);
  return entries.map((entry) => {
    const { document, object } = entry;
    const { apiVersion, kind, metadata, spec, ...rest } = document as unknown as Pick<
      StoredObject,
      "apiVersion" | "kind" | "metadata"
    > & { spec?: unknown };
    const status = statusOf(state, view, entry.key);
    return {
      ...(status ? { status } : {}),
      key: entry.key,
      apiVersion,
      kind,
      metadata,
      // Kubernetes' kinds without a spec keep their members beside metadata.
      spec: spec ?? object?.spec ?? rest,
      owner: entry.owner,
      revision: entry.revision,
      hash: entry.hash,
      diagnostics: (object && byOrigin.get(originOf(object))) ?? [],
    };
  });
}
