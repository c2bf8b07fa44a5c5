/** The authorities of a mesh over HTTP: what signs, the tenant's own root, and rotations. */
import { createRoute, z } from "@hono/zod-openapi";
import type { AppDeps } from "../deps.ts";
import { requireScope } from "../http/auth.ts";
import { problem } from "../http/problem.ts";
import { bearer, createRouter, problemResponses } from "../http/router.ts";
import { json, jsonBody, MeshParam, PageQuery, pageSchema } from "../http/schemas.ts";
import { importAuthority, meshAuthorities, requestAuthority } from "./authorities.ts";
import { inventory } from "./inventory.ts";
import { lift, listRevocations, revoke } from "./revocations.ts";
import { rewrapKeys } from "./rewrap.ts";
import { abortRotation, advanceRotation, rotationInfo, startRotation } from "./rotations.ts";

/** A chain in PEM: five certificates with RSA keys and long names. */
const MAX_CHAIN_CHARACTERS = 32 * 1024;
const time = z.iso.datetime();

const HolderSchema = z
  .object({
    agent: z.string(),
    proxy: z.string().optional().openapi({ description: "Absent where it is the agent itself" }),
    reason: z.string(),
  })
  .openapi("RotationHolder");

const RotationSchema = z
  .object({
    id: z.string(),
    from: z.string().openapi({ description: "Id of the authority that it leads from" }),
    to: z.string().openapi({ description: "Id of the authority that it leads to" }),
    step: z.enum(["trusting", "reissuing", "withdrawing"]).openapi({
      description:
        "`trusting`: both roots are trusted, all is issued from the old one; `reissuing`: from the new one; `withdrawing`: the new one alone is trusted",
    }),
    state: z.enum(["running", "aborting", "completed", "aborted"]),
    automatic: z
      .boolean()
      .openapi({ description: "Goes on by itself when everybody has followed a step" }),
    urgent: z.boolean().openapi({
      description: "Somebody was revoked: nobody is waited for longer than a moment",
    }),
    startedAt: time,
    steppedAt: time,
    endedAt: time.optional(),
    holders: z
      .array(HolderSchema)
      .openapi({ description: "Who has not followed the step yet, 200 at most" }),
    allHolders: z.int(),
    forced: z.array(HolderSchema).openapi({ description: "Who was not waited for" }),
  })
  .openapi("Rotation");

const AuthorityRequestSchema = z
  .object({ request: z.string().openapi({ description: "PKCS #10 in PEM" }), createdAt: time })
  .openapi("AuthorityRequest");

const AuthoritiesSchema = z
  .object({
    trustDomain: z.string(),
    authorities: z
      .array(
        z
          .object({
            id: z.string(),
            kind: z
              .enum(["root", "intermediate"])
              .openapi({ description: "`intermediate`: the tenant keeps the root" }),
            state: z.enum(["issuing", "trusted", "leaving", "retired", "prepared"]),
            subject: z.string(),
            serialNumber: z.string(),
            notBefore: time,
            notAfter: time,
            root: z.object({
              subject: z.string(),
              fingerprint: z.string().openapi({ description: "SHA-256 of its DER" }),
              notAfter: time,
            }),
            createdAt: time,
          })
          .openapi("Authority"),
      )
      .openapi({ description: "The newest first" }),
    request: AuthorityRequestSchema.optional(),
    rotation: RotationSchema.optional(),
  })
  .openapi("MeshAuthorities");

const automatic = z
  .boolean()
  .default(true)
  .openapi({ description: "Whether it goes on by itself when everybody has followed a step" });

const inMesh = (rest: string) => `/v1/meshes/{mesh}/authority${rest}` as const;

const getAuthority = createRoute({
  ...{ method: "get", path: inMesh(""), security: bearer },
  summary: "The authorities of the mesh, a request that waits, and the last rotation; never a key",
  middleware: [requireScope("read")] as const,
  request: { params: MeshParam },
  responses: { 200: json("The authorities", AuthoritiesSchema), ...problemResponses },
});

const postRequest = createRoute({
  ...{ method: "post", path: inMesh("/request"), security: bearer },
  summary:
    "A certificate request for an intermediate of the plane's, to be signed by the tenant's own root",
  description:
    "The same one is answered until a chain has been imported for it, or `renew` asks for another. Its key stays in the plane.",
  middleware: [requireScope("admin")] as const,
  request: { params: MeshParam, ...jsonBody(z.object({ renew: z.boolean().default(false) })) },
  responses: { 200: json("The request", AuthorityRequestSchema), ...problemResponses },
});

const postChain = createRoute({
  ...{ method: "post", path: inMesh("/chain"), security: bearer },
  summary: "What the tenant's root has signed for the request, up to that root",
  description:
    "A mesh that has issued nothing yet issues from it at once; any other is rotated to it. A chain that proxies would refuse is refused, with the certificate that is wrong.",
  middleware: [requireScope("admin")] as const,
  request: {
    params: MeshParam,
    ...jsonBody(z.object({ chain: z.string().min(1).max(MAX_CHAIN_CHARACTERS), automatic })),
  },
  responses: { 200: json("The authorities", AuthoritiesSchema), ...problemResponses },
});

const getRotation = createRoute({
  ...{ method: "get", path: inMesh("/rotation"), security: bearer },
  summary: "The last rotation of the mesh's root: its step, and who has not followed it",
  middleware: [requireScope("read")] as const,
  request: { params: MeshParam },
  responses: { 200: json("The rotation", RotationSchema), ...problemResponses },
});

const postRotation = createRoute({
  ...{ method: "post", path: inMesh("/rotation"), security: bearer },
  summary: "Begin to rotate the mesh's root to a new one of the plane's own",
  middleware: [requireScope("admin")] as const,
  request: { params: MeshParam, ...jsonBody(z.object({ automatic })) },
  responses: { 201: json("The rotation", RotationSchema), ...problemResponses },
});

const postAdvance = createRoute({
  ...{ method: "post", path: inMesh("/rotation/advance"), security: bearer },
  summary: "Go on to the next step; with `force` also without those who hold it",
  middleware: [requireScope("admin")] as const,
  request: { params: MeshParam, ...jsonBody(z.object({ force: z.boolean().default(false) })) },
  responses: { 200: json("The rotation", RotationSchema), ...problemResponses },
});

const postAbort = createRoute({
  ...{ method: "post", path: inMesh("/rotation/abort"), security: bearer },
  summary: "Turn the rotation around: step by step back to the root that it began with",
  middleware: [requireScope("admin")] as const,
  request: { params: MeshParam },
  responses: { 200: json("The rotation", RotationSchema), ...problemResponses },
});

const postRewrap = createRoute({
  ...{ method: "post", path: inMesh("/rewrap"), security: bearer },
  summary: "Seal the mesh's private keys anew, under the newest version of the envelope key",
  description:
    "All of them or, where one cannot be opened, none. After it a former envelope key, or former versions of the one that a key service has, are of no use for this mesh.",
  middleware: [requireScope("admin")] as const,
  request: { params: MeshParam },
  responses: {
    200: json(
      "How many, and under what",
      z
        .object({
          keys: z.int().openapi({ description: "How many were sealed anew" }),
          envelope: z.string().openapi({ description: "Where the envelope key is, for people" }),
        })
        .openapi("RewrappedKeys"),
    ),
    ...problemResponses,
  },
});

const level = z.enum(["ok", "warning", "critical", "expired"]);
const getCertificates = createRoute({
  ...{ method: "get", path: "/v1/meshes/{mesh}/certificates", security: bearer },
  summary: "Every certificate that is alive in the mesh, the one that ends first before the others",
  description:
    "Authorities, what agents sign with, and workloads' certificates as their proxies have acknowledged them. Never a key.",
  middleware: [requireScope("read")] as const,
  request: {
    params: MeshParam,
    query: PageQuery.extend({
      level: level.default("ok").openapi({ description: "As bad as this at least" }),
    }),
  },
  responses: {
    200: json(
      "One page",
      pageSchema(
        z
          .object({
            kind: z.enum(["root", "intermediate", "agent", "leaf", "federated"]).openapi({
              description:
                "`agent`: what an agent signs with; `leaf`: a workload's; `federated`: a root of another trust domain",
            }),
            subject: z.string().openapi({ description: "Of a leaf its SPIFFE id" }),
            serialNumber: z.string(),
            issuer: z.string(),
            notBefore: time,
            notAfter: time,
            level: level.openapi({
              description:
                "`warning`: its renewal is late, or has to be planned; `critical`: act now",
            }),
            agent: z.string().optional(),
            proxies: z.array(z.string()).optional(),
          })
          .openapi("Certificate"),
      ).extend({
        alerts: z.object({ warning: z.int(), critical: z.int(), expired: z.int() }),
        unknown: z.array(z.string()).openapi({
          description: "Agents that are away, or do not say what their proxies have",
        }),
      }),
    ),
    ...problemResponses,
  },
});

const RevocationSchema = z
  .object({
    id: z.string(),
    kind: z.enum(["agent", "workload"]),
    subject: z.string(),
    reason: z.string(),
    createdAt: time,
    effectiveAt: time.optional().openapi({
      description: "When what was signed before was refused everywhere",
    }),
    liftedAt: time.optional(),
  })
  .openapi("Revocation");
const revocationsPath = "/v1/meshes/{mesh}/revocations";

const getRevocations = createRoute({
  ...{ method: "get", path: revocationsPath, security: bearer },
  summary: "Agents and workloads that were revoked, the newest first",
  middleware: [requireScope("read")] as const,
  request: { params: MeshParam },
  responses: {
    200: json("The newest thousand", z.object({ items: z.array(RevocationSchema) })),
    ...problemResponses,
  },
});

const postRevocation = createRoute({
  ...{ method: "post", path: revocationsPath, security: bearer },
  summary: "Revoke an agent with all that it has signed, or a workload",
  description:
    "At once an agent's token and socket are refused, and nothing is issued for a workload. Within five seconds proxies refuse what they have: the mesh is rotated to a new root of the plane's, and waits for nobody longer than a moment.",
  middleware: [requireScope("admin")] as const,
  request: {
    params: MeshParam,
    ...jsonBody(
      z.object({
        kind: z.enum(["agent", "workload"]),
        subject: z
          .string()
          .min(1)
          .max(2048)
          .openapi({ description: "An agent's name, or a workload's SPIFFE id" }),
        reason: z.string().max(500).optional(),
      }),
    ),
  },
  responses: { 201: json("The revocation", RevocationSchema), ...problemResponses },
});

const deleteRevocation = createRoute({
  ...{ method: "delete", path: `${revocationsPath}/{id}`, security: bearer },
  summary: "Let a workload in again; an agent joins again with a new token",
  middleware: [requireScope("admin")] as const,
  request: { params: MeshParam.extend({ id: z.uuid() }) },
  responses: { 204: { description: "Lifted" }, ...problemResponses },
});

export function authorityRoutes(deps: AppDeps) {
  const app = createRouter();
  app.openapi(getRevocations, async (c) =>
    c.json({ items: await listRevocations(deps, c.var.mesh) }, 200),
  );
  app.openapi(postRevocation, async (c) =>
    c.json(await revoke(deps, c.var.mesh, c.req.valid("json")), 201),
  );
  app.openapi(deleteRevocation, async (c) => {
    await lift(deps, c.var.mesh, c.req.valid("param").id);
    return c.body(null, 204);
  });
  app.openapi(getCertificates, async (c) =>
    c.json(await inventory(deps, c.var.mesh, c.req.valid("query")), 200),
  );
  app.openapi(getAuthority, async (c) => c.json(await meshAuthorities(deps, c.var.mesh), 200));
  app.openapi(postRequest, async (c) =>
    c.json(await requestAuthority(deps, c.var.mesh, c.req.valid("json")), 200),
  );
  app.openapi(postChain, async (c) =>
    c.json(await importAuthority(deps, c.var.mesh, c.req.valid("json")), 200),
  );
  app.openapi(getRotation, async (c) => {
    const rotation = await rotationInfo(deps, c.var.mesh);
    if (!rotation) throw problem("HDL1071", "The mesh's root was never rotated.");
    return c.json(rotation, 200);
  });
  app.openapi(postRotation, async (c) =>
    c.json(await startRotation(deps, c.var.mesh, c.req.valid("json")), 201),
  );
  app.openapi(postAdvance, async (c) =>
    c.json(await advanceRotation(deps, c.var.mesh, c.req.valid("json")), 200),
  );
  app.openapi(postAbort, async (c) => c.json(await abortRotation(deps, c.var.mesh), 200));
  app.openapi(postRewrap, async (c) => c.json(await rewrapKeys(deps, c.var.mesh), 200));
  return app;
}
