/** Tenants, meshes and tokens over HTTP. */
import { createRoute, z } from "@hono/zod-openapi";
import type { AppDeps } from "../deps.ts";
import { requireScope } from "../http/auth.ts";
import { bearer, createRouter, problemResponses } from "../http/router.ts";
import { json, jsonBody, MeshParam, PageQuery, pageSchema } from "../http/schemas.ts";
import {
  CreatedTokenSchema,
  MeshInfoSchema,
  NewMeshSchema,
  NewTokenSchema,
  TokenInfoSchema,
  WhoAmISchema,
} from "./schemas.ts";
import {
  createMesh,
  createToken,
  meshInfo,
  pageOfMeshes,
  pageOfTokens,
  removeMesh,
  removeToken,
} from "./service.ts";

const whoAmI = createRoute({
  method: "get",
  path: "/v1/whoami",
  summary: "Whose token this is, and what it may do",
  security: bearer,
  responses: { 200: json("The caller", WhoAmISchema), ...problemResponses },
});

const getMeshes = createRoute({
  method: "get",
  path: "/v1/meshes",
  summary: "The meshes that the token opens, by name",
  security: bearer,
  middleware: [requireScope("read", "agent")] as const,
  request: { query: PageQuery },
  responses: { 200: json("One page", pageSchema(MeshInfoSchema)), ...problemResponses },
});

const postMesh = createRoute({
  method: "post",
  path: "/v1/meshes",
  summary: "Make a mesh",
  security: bearer,
  middleware: [requireScope("admin")] as const,
  request: jsonBody(NewMeshSchema),
  responses: { 201: json("The new mesh", MeshInfoSchema), ...problemResponses },
});

const getMesh = createRoute({
  method: "get",
  path: "/v1/meshes/{mesh}",
  summary: "One mesh",
  security: bearer,
  middleware: [requireScope("read", "agent")] as const,
  request: { params: MeshParam },
  responses: { 200: json("The mesh", MeshInfoSchema), ...problemResponses },
});

const deleteMesh = createRoute({
  method: "delete",
  path: "/v1/meshes/{mesh}",
  summary: "Delete a mesh with all that it holds",
  security: bearer,
  middleware: [requireScope("admin")] as const,
  request: { params: MeshParam },
  responses: { 204: { description: "Deleted" }, ...problemResponses },
});

const getTokens = createRoute({
  method: "get",
  path: "/v1/tokens",
  summary: "Tokens, in the order they were made; never their secrets",
  security: bearer,
  middleware: [requireScope("admin")] as const,
  request: { query: PageQuery },
  responses: { 200: json("One page", pageSchema(TokenInfoSchema)), ...problemResponses },
});

const postToken = createRoute({
  method: "post",
  path: "/v1/tokens",
  summary: "Make a token; its secret is shown only in this answer",
  security: bearer,
  middleware: [requireScope("admin")] as const,
  request: jsonBody(NewTokenSchema),
  responses: { 201: json("The token with its secret", CreatedTokenSchema), ...problemResponses },
});

const deleteToken = createRoute({
  method: "delete",
  path: "/v1/tokens/{id}",
  summary: "Revoke a token, at once",
  security: bearer,
  middleware: [requireScope("admin")] as const,
  request: { params: z.object({ id: z.uuid() }) },
  responses: { 204: { description: "Revoked" }, ...problemResponses },
});

export function tenancyRoutes(deps: AppDeps) {
  const app = createRouter();
  app.openapi(whoAmI, (c) => {
    const { actor } = c.var;
    return c.json(
      {
        tenant: { id: actor.tenant, name: actor.tenantName },
        token: { id: actor.token, name: actor.tokenName },
        scopes: [...actor.scopes],
        ...(actor.meshes ? { meshes: [...actor.meshes] } : {}),
      },
      200,
    );
  });
  app.openapi(getMeshes, async (c) =>
    c.json(await pageOfMeshes(deps, c.var.actor, c.req.valid("query")), 200),
  );
  app.openapi(postMesh, async (c) =>
    c.json(await createMesh(deps, c.var.actor, c.req.valid("json")), 201),
  );
  app.openapi(getMesh, async (c) => c.json(await meshInfo(deps, c.var.mesh), 200));
  app.openapi(deleteMesh, async (c) => {
    await removeMesh(deps, c.var.mesh);
    return c.body(null, 204);
  });
  app.openapi(getTokens, async (c) =>
    c.json(await pageOfTokens(deps, c.var.actor, c.req.valid("query")), 200),
  );
  app.openapi(postToken, async (c) =>
    c.json(await createToken(deps, c.var.actor, c.req.valid("json")), 201),
  );
  app.openapi(deleteToken, async (c) => {
    await removeToken(deps, c.var.actor, c.req.valid("param").id);
    return c.body(null, 204);
  });
  return app;
}
