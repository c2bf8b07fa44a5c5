/** The agent link over HTTP: enrollment, bundles, agents, proxies, events. */
import { createRoute, z } from "@hono/zod-openapi";
import { accessQuestionSchema, hashSchema, replicaId } from "@heddle/sync";
import type { AppDeps } from "../deps.ts";
import { requireScope } from "../http/auth.ts";
import { bearer, createRouter, problemResponses } from "../http/router.ts";
import { json, jsonBody, MeshParam, PageQuery, pageSchema, QueryFlag } from "../http/schemas.ts";
import { agentOf } from "./agent-identity.ts";
import { type BundleStore, createBundleStore } from "./bundle-store.ts";
import { ObjectParams } from "../config/schemas.ts";
import { clusterSummary } from "./cluster-summary.ts";
import { createJoinToken, enroll } from "./enrollment.ts";
import { pageOfAgents, pageOfProxies } from "./fleet.ts";
import { syncProblem } from "./problems.ts";
import { meshRoom } from "./rooms.ts";
import {
  AccessAnswersSchema,
  AgentInfoSchema,
  ClusterSummarySchema,
  CreatedJoinTokenSchema,
  EnrollmentSchema,
  ObjectEffectSchema,
  HeadSchema,
  ProxyInfoSchema,
} from "./schemas.ts";

const Name = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[\w.:@-]+$/);

const postEnroll = createRoute({
  method: "post",
  path: "/v1/agents/enroll",
  summary: "Join a mesh as an agent; the join token is the proof and is used up",
  request: jsonBody(
    z.object({
      joinToken: z.string().min(1).max(200),
      name: Name,
      publicKey: z.string().max(500).optional(),
    }),
  ),
  responses: { 200: json("What the agent needs", EnrollmentSchema), ...problemResponses },
});

const postJoinToken = createRoute({
  method: "post",
  path: "/v1/meshes/{mesh}/join-tokens",
  summary: "A one-time token with which an agent joins; shown only in this answer",
  security: bearer,
  middleware: [requireScope("admin")] as const,
  request: {
    params: MeshParam,
    ...jsonBody(
      z.object({
        name: z.string().min(1).max(200),
        expiresInSeconds: z
          .int()
          .min(1)
          .max(30 * 86_400)
          .optional(),
        namespaces: z.array(z.string().min(1).max(63)).min(1).max(200).optional().openapi({
          description:
            "The agent gets certificates for workloads of these alone, and no intermediate; all where absent",
        }),
      }),
    ),
  },
  responses: {
    201: json("The token with its secret", CreatedJoinTokenSchema),
    ...problemResponses,
  },
});

const getBundle = createRoute({
  method: "get",
  path: "/v1/sync/bundles/{hash}",
  summary: "A bundle's exact bytes",
  security: bearer,
  middleware: [requireScope("agent")] as const,
  request: { params: z.object({ hash: hashSchema }) },
  responses: {
    200: {
      description: "The bundle",
      content: { "application/json": { schema: z.looseObject({}) } },
    },
    ...problemResponses,
  },
});

const getWay = createRoute({
  method: "get",
  path: "/v1/meshes/{mesh}/bundles",
  summary: "The heads that lead from a revision to the newest: changes, or one snapshot",
  security: bearer,
  middleware: [requireScope("agent", "read")] as const,
  request: {
    params: MeshParam,
    query: z.object({
      from: z.coerce.number().int().min(0).default(0),
      hash: hashSchema.optional(),
      snapshot: QueryFlag,
    }),
  },
  responses: {
    200: json("The way", z.object({ heads: z.array(HeadSchema) })),
    ...problemResponses,
  },
});

const getAgents = createRoute({
  method: "get",
  path: "/v1/meshes/{mesh}/agents",
  summary: "Agents of the mesh, by name",
  security: bearer,
  middleware: [requireScope("read")] as const,
  request: { params: MeshParam, query: PageQuery },
  responses: { 200: json("One page", pageSchema(AgentInfoSchema)), ...problemResponses },
});

const getProxies = createRoute({
  method: "get",
  path: "/v1/meshes/{mesh}/proxies",
  summary: "Proxies connected to the mesh's agents, by name",
  security: bearer,
  middleware: [requireScope("read")] as const,
  request: { params: MeshParam, query: PageQuery },
  responses: { 200: json("One page", pageSchema(ProxyInfoSchema)), ...problemResponses },
});

const getCluster = createRoute({
  method: "get",
  path: "/v1/meshes/{mesh}/cluster",
  summary: "Services, workloads and objects that the mesh's agents report of their clusters",
  security: bearer,
  middleware: [requireScope("read")] as const,
  request: { params: MeshParam },
  responses: { 200: json("The summary", ClusterSummarySchema), ...problemResponses },
});

const getEffect = createRoute({
  method: "get",
  path: "/v1/meshes/{mesh}/objects/{group}/{kind}/{namespace}/{name}/effect",
  summary: "The proxies that have an object, and the Envoy resources that it became there",
  security: bearer,
  middleware: [requireScope("read")] as const,
  request: { params: ObjectParams },
  responses: { 200: json("What connected agents say", ObjectEffectSchema), ...problemResponses },
});

const postExplain = createRoute({
  method: "post",
  path: "/v1/meshes/{mesh}/explain",
  summary: "Whether a workload's proxy would take a request, what decides, and what it lacks",
  security: bearer,
  middleware: [requireScope("read")] as const,
  request: { params: MeshParam, ...jsonBody(accessQuestionSchema) },
  responses: { 200: json("What connected agents say", AccessAnswersSchema), ...problemResponses },
});

const getEvents = createRoute({
  method: "get",
  path: "/v1/meshes/{mesh}/events",
  summary: "Revisions, convergence and agents as they change, as server-sent events",
  security: bearer,
  middleware: [requireScope("read")] as const,
  request: { params: MeshParam },
  responses: {
    200: {
      description: "Events `revision`, `convergence`, `agents`, `authority` and `certificates`",
      content: { "text/event-stream": { schema: z.string() } },
    },
    ...problemResponses,
  },
});

/** `bundles` is shared with the rooms where both are in one process. */
export function syncRoutes(deps: AppDeps, bundles: BundleStore = bundlesOf(deps)) {
  const app = createRouter();
  app.openapi(postEnroll, async (c) => c.json(await enroll(deps, c.req.valid("json")), 200));
  app.openapi(postJoinToken, async (c) =>
    c.json(await createJoinToken(deps, c.var.mesh, c.req.valid("json")), 201),
  );
  app.openapi(getBundle, async (c) => {
    const { hash } = c.req.valid("param");
    const { tenant, meshes } = c.var.actor;
    const text = await bundles.get(tenant, meshes ?? [], hash);
    if (text === undefined) throw syncProblem("HDL7013", `There is no bundle ${hash}.`);
    const headers = {
      "content-type": "application/json",
      "cache-control": "private, max-age=31536000, immutable",
      etag: `"${hash}"`,
    };
    // The exact bytes that were hashed, so not by `c.json`.
    return new Response(text, { headers }) as never;
  });
  app.openapi(getWay, async (c) => {
    const { from, hash, snapshot } = c.req.valid("query");
    const heads = await bundles.way(c.var.mesh, {
      number: from,
      hash,
      snapshot: snapshot ?? false,
    });
    return c.json({ heads }, 200);
  });
  app.openapi(getAgents, async (c) =>
    c.json(await pageOfAgents(deps, c.var.mesh, c.req.valid("query")), 200),
  );
  app.openapi(getProxies, async (c) =>
    c.json(await pageOfProxies(deps, c.var.mesh, c.req.valid("query")), 200),
  );
  app.openapi(getCluster, async (c) => {
    const { services, workloads, objects, diagnostics } = await clusterSummary(deps, c.var.mesh);
    return c.json(
      {
        services: [...services],
        workloads: [...workloads],
        objects: [...objects],
        diagnostics: [...diagnostics],
      },
      200,
    );
  });
  app.openapi(getEffect, async (c) => {
    const { group, kind, namespace, name } = c.req.valid("param");
    const key = `${group}/${kind}/${namespace}/${name}`;
    const origin = `${kind} ${namespace === "-" ? "" : `${namespace}/`}${name}`;
    const [{ answers, silent }, cluster] = await Promise.all([
      meshRoom(deps.rooms, c.var.mesh).effect(key),
      clusterSummary(deps, c.var.mesh),
    ]);
    const diagnostics = cluster.diagnostics.filter((each) => each.origin === origin);
    const agents = answers.map(({ agent, answer: { key: _, ...rest } }) => ({ agent, ...rest }));
    return c.json({ key, agents, silent: [...silent], diagnostics }, 200);
  });
  app.openapi(postExplain, async (c) => {
    const { answers, silent } = await meshRoom(deps.rooms, c.var.mesh).explain(c.req.valid("json"));
    const agents = answers.map(({ agent, answer }) => ({ agent, ...answer }));
    return c.json({ agents, silent: [...silent] }, 200);
  });
  app.openapi(getEvents, async (c) => {
    const stream = await meshRoom(deps.rooms, c.var.mesh).events();
    return new Response(stream, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-cache" },
    });
  });
  // A WebSocket has no place in OpenAPI. On Node the upgrade never comes here: `attachSync` takes it.
  app.get("/v1/sync", async (c) => {
    const { mesh, agent, token } = await agentOf(deps, c.var.actor, c.req.query("mesh"));
    const room = meshRoom(deps.rooms, mesh);
    if (!room.connect || c.req.header("upgrade")?.toLowerCase() !== "websocket")
      throw syncProblem("HDL7016", "GET /v1/sync is a WebSocket.", {
        headers: { upgrade: "websocket" },
      });
    const id = replicaId(agent.id, c.req.query("replica"));
    return room.connect(c.req.raw, { ...agent, id, token });
  });
  return app;
}

function bundlesOf(deps: AppDeps): BundleStore {
  return (deps.rooms as { bundles?: BundleStore }).bundles ?? createBundleStore(deps);
}
