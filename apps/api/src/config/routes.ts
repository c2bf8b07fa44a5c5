/** Configuration over HTTP: objects, atomic sets, analysis, revisions. */
import { createRoute } from "@hono/zod-openapi";
import type { AppDeps } from "../deps.ts";
import { requireScope } from "../http/auth.ts";
import { bearer, createRouter, problemResponses, type Actor } from "../http/router.ts";
import { json, jsonBody, MeshParam, PageQuery, pageSchema } from "../http/schemas.ts";
import { MeshChangeSchema, MeshInfoSchema } from "../tenancy/schemas.ts";
import { meshInfo } from "../tenancy/service.ts";
import { analyzeRequest } from "./analyze.ts";
import { createClusterViews } from "./cluster-view.ts";
import { changeSettings } from "./change-settings.ts";
import { apply, type ApplyContext } from "./apply.ts";
import { diffRevisions, getRevision, pageOfRevisions, rollback } from "./history.ts";
import { attemptOf } from "./idempotency.ts";
import { deleteObject, entityTag, getObject, listObjects, putObject } from "./objects.ts";
import {
  AnalysisSchema,
  ApplyRequestSchema,
  ApplyResultSchema,
  DiffQuery,
  IdempotencyHeader,
  ObjectBodySchema,
  ObjectParams,
  ObjectQuery,
  RevisionDiffSchema,
  RevisionParams,
  RevisionSchema,
  RollbackSchema,
  StoredObjectSchema,
  WriteHeaders,
  WriteQuery,
} from "./schemas.ts";
import { createStateStore } from "./state-store.ts";

const MESH = "/v1/meshes/{mesh}";
const OBJECT = `${MESH}/objects/{group}/{kind}/{namespace}/{name}`;

const reads = { security: bearer, middleware: requireScope("read", "agent") };
const writes = { security: bearer, middleware: requireScope("write") };

const postApply = createRoute({
  ...writes,
  method: "post",
  path: `${MESH}/apply`,
  summary: "Create, change and delete objects, all in one revision or none",
  request: { params: MeshParam, headers: IdempotencyHeader, ...jsonBody(ApplyRequestSchema) },
  responses: { 200: json("What was done", ApplyResultSchema), ...problemResponses },
});

const postAnalyze = createRoute({
  ...reads,
  method: "post",
  path: `${MESH}/analyze`,
  summary: "What is wrong with the mesh, or would be after this request",
  request: { params: MeshParam, ...jsonBody(ApplyRequestSchema) },
  responses: { 200: json("Findings", AnalysisSchema), ...problemResponses },
});

const getObjects = createRoute({
  ...reads,
  method: "get",
  path: `${MESH}/objects`,
  summary: "Objects, by key",
  request: { params: MeshParam, query: ObjectQuery },
  responses: { 200: json("One page", pageSchema(StoredObjectSchema)), ...problemResponses },
});

const getOne = createRoute({
  ...reads,
  method: "get",
  path: OBJECT,
  summary: "One object",
  request: { params: ObjectParams },
  responses: {
    200: json("The object; its ETag is the revision that last changed it", StoredObjectSchema),
    ...problemResponses,
  },
});

const putOne = createRoute({
  ...writes,
  method: "put",
  path: OBJECT,
  summary: "Create or replace one object, as a revision of its own",
  request: {
    params: ObjectParams,
    query: WriteQuery,
    headers: WriteHeaders,
    ...jsonBody(ObjectBodySchema),
  },
  responses: {
    200: json("Replaced, or unchanged", ApplyResultSchema),
    201: json("Created", ApplyResultSchema),
    ...problemResponses,
  },
});

const deleteOne = createRoute({
  ...writes,
  method: "delete",
  path: OBJECT,
  summary: "Delete one object, as a revision of its own",
  request: { params: ObjectParams, query: WriteQuery, headers: WriteHeaders },
  responses: { 200: json("Deleted", ApplyResultSchema), ...problemResponses },
});

const patchMesh = createRoute({
  method: "patch",
  path: MESH,
  summary: "Change a mesh's settings, as a revision",
  security: bearer,
  middleware: [requireScope("admin")] as const,
  request: { params: MeshParam, ...jsonBody(MeshChangeSchema) },
  responses: { 200: json("The mesh", MeshInfoSchema), ...problemResponses },
});

const getRevisions = createRoute({
  ...reads,
  method: "get",
  path: `${MESH}/revisions`,
  summary: "History, newest first",
  request: { params: MeshParam, query: PageQuery },
  responses: { 200: json("One page", pageSchema(RevisionSchema)), ...problemResponses },
});

const getOneRevision = createRoute({
  ...reads,
  method: "get",
  path: `${MESH}/revisions/{revision}`,
  summary: "One revision",
  request: { params: RevisionParams },
  responses: { 200: json("The revision", RevisionSchema), ...problemResponses },
});

const getDiff = createRoute({
  ...reads,
  method: "get",
  path: `${MESH}/revisions/{revision}/diff`,
  summary: "What lies between a revision and another; its parent unless told",
  request: { params: RevisionParams, query: DiffQuery },
  responses: {
    200: json("Objects before and after, as YAML", RevisionDiffSchema),
    ...problemResponses,
  },
});

const postRollback = createRoute({
  ...writes,
  method: "post",
  path: `${MESH}/revisions/{revision}/rollback`,
  summary: "Restore the state after a revision, as a new revision",
  request: {
    params: RevisionParams,
    headers: IdempotencyHeader,
    body: { required: false, content: { "application/json": { schema: RollbackSchema } } },
  },
  responses: { 200: json("What was done", ApplyResultSchema), ...problemResponses },
});

export function configRoutes(deps: AppDeps) {
  const context: ApplyContext = {
    deps,
    states: createStateStore(deps.config.stateCacheObjects),
    clusters: createClusterViews(),
  };
  const app = createRouter();

  app.openapi(postApply, async (c) => {
    const body = c.req.valid("json");
    const result = await apply(context, c.var.mesh, body, {
      author: authorOf(c.var.actor),
      attempt: await attempt(c.var.actor, c.req, body),
    });
    return c.json(result, 200);
  });
  app.openapi(postAnalyze, async (c) =>
    c.json({ diagnostics: await analyzeRequest(context, c.var.mesh, c.req.valid("json")) }, 200),
  );
  app.openapi(getObjects, async (c) => {
    const { cursor, limit, ...filter } = c.req.valid("query");
    return c.json(await listObjects(context, c.var.mesh, filter, { cursor, limit }), 200);
  });
  app.openapi(getOne, async (c) => {
    const object = await getObject(context, c.var.mesh, keyOf(c.req.valid("param")));
    c.header("etag", entityTag(object.revision));
    return c.json(object, 200);
  });
  app.openapi(putOne, async (c) => {
    const params = c.req.valid("param");
    const body = c.req.valid("json");
    const { created, result } = await putObject(
      context,
      c.var.mesh,
      { key: keyOf(params), namespace: params.namespace },
      body,
      {
        ...writeOptions(c.var.actor, c.req.valid("query"), c.req.valid("header")),
        attempt: await attempt(c.var.actor, c.req, body),
      },
    );
    if (!result.dryRun && result.changes[0]?.action !== "unchanged")
      c.header("etag", entityTag(result.revision));
    return c.json(result, created && !result.dryRun ? 201 : 200);
  });
  app.openapi(deleteOne, async (c) => {
    const options = writeOptions(c.var.actor, c.req.valid("query"), c.req.valid("header"));
    const result = await deleteObject(context, c.var.mesh, keyOf(c.req.valid("param")), {
      ...options,
      attempt: await attempt(c.var.actor, c.req, undefined),
    });
    return c.json(result, 200);
  });
  app.openapi(patchMesh, async (c) => {
    const { settings } = c.req.valid("json");
    const mesh = await changeSettings(context, c.var.mesh, settings, authorOf(c.var.actor));
    return c.json(await meshInfo(deps, mesh), 200);
  });
  app.openapi(getRevisions, async (c) =>
    c.json(await pageOfRevisions(context, c.var.mesh, c.req.valid("query")), 200),
  );
  app.openapi(getOneRevision, async (c) =>
    c.json(await getRevision(context, c.var.mesh, c.req.valid("param").revision), 200),
  );
  app.openapi(getDiff, async (c) => {
    const { from } = c.req.valid("query");
    return c.json(
      await diffRevisions(context, c.var.mesh, c.req.valid("param").revision, from),
      200,
    );
  });
  app.openapi(postRollback, async (c) => {
    // Hono validates no body where none was sent.
    const body = (c.req.valid("json") as { message?: string; dryRun?: boolean } | undefined) ?? {};
    const result = await rollback(context, c.var.mesh, c.req.valid("param").revision, {
      author: authorOf(c.var.actor),
      attempt: await attempt(c.var.actor, c.req, body),
      message: body.message,
      dryRun: body.dryRun,
    });
    return c.json(result, 200);
  });
  return app;
}

function keyOf({
  group,
  kind,
  namespace,
  name,
}: {
  group: string;
  kind: string;
  namespace: string;
  name: string;
}) {
  return `${group}/${kind}/${namespace}/${name}`;
}

/** How history names who wrote. */
function authorOf(actor: Actor): string {
  return actor.tokenName;
}

function attempt(
  actor: Actor,
  request: { method: string; url: string; path: string; header(name: string): string | undefined },
  body: unknown,
) {
  const query = new URL(request.url).search;
  return attemptOf({
    key: request.header("idempotency-key"),
    token: actor.token,
    method: request.method,
    path: request.path,
    body: `${query}\n${body === undefined ? "" : JSON.stringify(body)}`,
  });
}

function writeOptions(
  actor: Actor,
  query: {
    dryRun?: boolean | undefined;
    strict?: boolean | undefined;
    force?: boolean | undefined;
    message?: string | undefined;
  },
  headers: { "if-match"?: string | undefined; "if-none-match"?: string | undefined },
) {
  return {
    author: authorOf(actor),
    dryRun: query.dryRun ?? false,
    strict: query.strict ?? false,
    force: query.force ?? false,
    message: query.message,
    ifMatch: headers["if-match"],
    ifNoneMatch: headers["if-none-match"],
  };
}
