/** What a mesh federates with, over HTTP. */
import { createRoute, z } from "@hono/zod-openapi";
import type { AppDeps } from "../deps.ts";
import { requireScope } from "../http/auth.ts";
import { bearer, createRouter, problemResponses } from "../http/router.ts";
import { json, jsonBody, MeshParam } from "../http/schemas.ts";
import { TrustDomain } from "../tenancy/schemas.ts";
import { listFederations } from "./federation-list.ts";
import { NewFederationSchema } from "./federation-schemas.ts";
import { federate, unfederate } from "./federations.ts";

const time = z.iso.datetime();

const FederationSchema = z
  .object({
    trustDomain: z.string(),
    source: z.object({
      kind: z.enum(["mesh", "endpoint", "bundle"]),
      mesh: z.string().optional(),
      profile: z.enum(["https_web", "https_spiffe"]).optional(),
      url: z.string().optional(),
      endpointSpiffeId: z.string().optional(),
    }),
    state: z.enum(["inForce", "waiting", "failing"]).openapi({
      description:
        "`waiting`: the other mesh has not agreed or has no root, or no agent has had an answer yet; `failing`: an agent cannot follow the endpoint, and goes on with what it had, or all roots have expired",
    }),
    sequence: z.int().optional(),
    roots: z.array(
      z.object({
        fingerprint: z.string().openapi({ description: "SHA-256 of its DER" }),
        subject: z.string(),
        serialNumber: z.string(),
        notBefore: time,
        notAfter: time,
        level: z.enum(["ok", "warning", "critical", "expired"]),
      }),
    ),
    agents: z
      .array(
        z.object({
          agent: z.string(),
          sequence: z.int().optional(),
          fetchedAt: time.optional(),
          error: z.string().optional(),
        }),
      )
      .openapi({ description: "What agents say that follow it" }),
    createdAt: time,
  })
  .openapi("Federation");

const path = "/v1/meshes/{mesh}/federations";
const OneParam = MeshParam.extend({
  trustDomain: TrustDomain.openapi({ param: { name: "trustDomain", in: "path" } }),
});

const getFederations = createRoute({
  ...{ method: "get", path, security: bearer },
  summary: "The trust domains that the mesh federates with, and how each of them stands",
  middleware: [requireScope("read")] as const,
  request: { params: MeshParam },
  responses: {
    200: json(
      "By trust domain",
      z.object({
        trustDomain: z.string().openapi({ description: "The mesh's own" }),
        mesh: z.string().openapi({
          description: "The mesh's id, by which another one of the plane names it",
        }),
        endpoint: z.string().openapi({
          description: "Path of the mesh's own bundle endpoint, at the plane's address",
        }),
        items: z.array(FederationSchema),
      }),
    ),
    ...problemResponses,
  },
});

const putFederation = createRoute({
  ...{ method: "put", path: `${path}/{trustDomain}`, security: bearer },
  summary: "Take identities of another trust domain, as far as its own roots vouch for them",
  description:
    "Its bundle comes from a mesh of this plane (`mesh`, once that one has declared this mesh too), from a SPIFFE bundle endpoint that agents ask (`endpoint`), or is given (`bundle`: PEM, or a SPIFFE document). Said again, it takes the place of what was said before.",
  middleware: [requireScope("admin")] as const,
  request: { params: OneParam, ...jsonBody(NewFederationSchema) },
  responses: { 200: json("The federation", FederationSchema), ...problemResponses },
});

const deleteFederation = createRoute({
  ...{ method: "delete", path: `${path}/{trustDomain}`, security: bearer },
  summary: "Refuse identities of the trust domain again, within seconds",
  middleware: [requireScope("admin")] as const,
  request: { params: OneParam },
  responses: { 204: { description: "Taken back" }, ...problemResponses },
});

export function federationRoutes(deps: AppDeps) {
  const app = createRouter();
  app.openapi(getFederations, async (c) => c.json(await listFederations(deps, c.var.mesh), 200));
  app.openapi(putFederation, async (c) => {
    const { trustDomain } = c.req.valid("param");
    return c.json(await federate(deps, c.var.mesh, trustDomain, c.req.valid("json")), 200);
  });
  app.openapi(deleteFederation, async (c) => {
    await unfederate(deps, c.var.mesh, c.req.valid("param").trustDomain);
    return c.body(null, 204);
  });
  return app;
}
