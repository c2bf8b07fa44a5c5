/** Objects, atomic sets of them, and revisions. */
import { allOf, type PageOptions } from "../paging.ts";
import type { Transport } from "../transport.ts";
import type {
  ApiDiagnostic,
  ApplyRequest,
  ApplyResult,
  ObjectEffect,
  Page,
  RevisionDiff,
  RevisionInfo,
  StoredObject,
} from "../types.ts";
import { inMesh, objectPath } from "./paths.ts";

export interface ObjectFilter {
  group?: string | undefined;
  kind?: string | undefined;
  namespace?: string | undefined;
  name?: string | undefined;
  owner?: string | undefined;
  /** `key=value` or `key`, comma-separated. */
  labels?: string | undefined;
}

export interface WriteOptions {
  /** The same key gets the same answer for 24 h, and the write happens once. */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

export interface ObjectWriteOptions extends WriteOptions {
  /** Only where the object was last changed by this revision. */
  ifRevision?: number;
  /** Only where there is none. */
  create?: boolean;
  dryRun?: boolean;
  strict?: boolean;
  force?: boolean;
  message?: string;
}

export function configurationCalls({ json }: Transport) {
  const objectsPage = (
    mesh: string,
    filter: ObjectFilter & PageOptions = {},
    signal?: AbortSignal,
  ) => json<Page<StoredObject>>("GET", inMesh(mesh, "/objects"), { query: { ...filter }, signal });
  const revisions = (mesh: string, page: PageOptions = {}, signal?: AbortSignal) =>
    json<Page<RevisionInfo>>("GET", inMesh(mesh, "/revisions"), { query: { ...page }, signal });
  return {
    /** One atomic revision, or with `dryRun` what it would be. */
    apply: (mesh: string, request: ApplyRequest, options: WriteOptions = {}) =>
      json<ApplyResult>("POST", inMesh(mesh, "/apply"), {
        body: request,
        headers: { "idempotency-key": options.idempotencyKey },
        signal: options.signal,
      }),
    /** What is wrong with the mesh, or would be after the request. */
    analyze: async (
      mesh: string,
      request: ApplyRequest = {},
      signal?: AbortSignal,
    ): Promise<ApiDiagnostic[]> => {
      const path = inMesh(mesh, "/analyze");
      return (await json<{ diagnostics: ApiDiagnostic[] }>("POST", path, { body: request, signal }))
        .diagnostics;
    },
    objectsPage,
    /** Every object, by key. */
    listObjects: (mesh: string, filter: ObjectFilter = {}) =>
      allOf((cursor) => objectsPage(mesh, { ...filter, cursor, limit: 500 })),
    /** By its key, `group/Kind/namespace/name`. */
    getObject: (mesh: string, key: string, signal?: AbortSignal) =>
      json<StoredObject>("GET", objectPath(mesh, key), { signal }),
    /** The proxies that have it, and what it became there, as the agents say now. */
    objectEffect: (mesh: string, key: string, signal?: AbortSignal) =>
      json<ObjectEffect>("GET", `${objectPath(mesh, key)}/effect`, { signal }),
    putObject: (mesh: string, key: string, object: unknown, options: ObjectWriteOptions = {}) =>
      json<ApplyResult>("PUT", objectPath(mesh, key), { body: object, ...objectWrite(options) }),
    deleteObject: (mesh: string, key: string, options: ObjectWriteOptions = {}) =>
      json<ApplyResult>("DELETE", objectPath(mesh, key), objectWrite(options)),
    revisions,
    /** The whole history, newest first. */
    listRevisions: (mesh: string) => allOf((cursor) => revisions(mesh, { cursor, limit: 200 })),
    getRevision: (mesh: string, number: number, signal?: AbortSignal) =>
      json<RevisionInfo>("GET", inMesh(mesh, `/revisions/${number}`), { signal }),
    /** From its parent unless told. */
    diffRevision: (mesh: string, number: number, from?: number, signal?: AbortSignal) =>
      json<RevisionDiff>("GET", inMesh(mesh, `/revisions/${number}/diff`), {
        query: { from },
        signal,
      }),
    /** Restores the state after `number` as a new revision, or with `dryRun` says what that would change. */
    rollback: (
      mesh: string,
      number: number,
      options: WriteOptions & { message?: string; dryRun?: boolean } = {},
    ) =>
      json<ApplyResult>("POST", inMesh(mesh, `/revisions/${number}/rollback`), {
        body: {
          ...(options.message === undefined ? {} : { message: options.message }),
          ...(options.dryRun ? { dryRun: true } : {}),
        },
        headers: { "idempotency-key": options.idempotencyKey },
        signal: options.signal,
      }),
  };
}

function objectWrite(options: ObjectWriteOptions) {
  const { idempotencyKey, ifRevision, create, dryRun, strict, force, message, signal } = options;
  return {
    query: { dryRun, strict, force, message },
    headers: {
      "idempotency-key": idempotencyKey,
      "if-match": ifRevision === undefined ? undefined : `"${ifRevision}"`,
      "if-none-match": create ? "*" : undefined,
    },
    signal,
  };
}
