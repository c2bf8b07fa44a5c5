/** Certificates, trust bundles and signing keys over HTTP. */
import { createRoute, z } from "@hono/zod-openapi";
import { LEAF_LIFETIME_BOUNDS } from "@heddle/pki";
import type { AppDeps } from "../deps.ts";
import { requireScope } from "../http/auth.ts";
import { bearer, createRouter, problemResponses } from "../http/router.ts";
import { json, jsonBody, MeshParam } from "../http/schemas.ts";
import { namespacesOf } from "../sync/agent-identity.ts";
import { BundleEndpointSchema, GivenBundleSchema } from "./federation-schemas.ts";
import { createMeshAuthority } from "./mesh-authority.ts";
import { signingKeyOf } from "./signing-keys.ts";

/** A request in PEM; P-256 makes them a few hundred bytes long, RSA of 4096 bits two thousand. */
const RequestPem = z.string().min(100).max(4096);
/** One batch: an agent that starts asks for all its workloads at once. */
const MAX_REQUESTS = 500;

const IssuedSchema = z
  .object({
    chains: z
      .array(z.string())
      .openapi({ description: "PEM, leaf first, in the order of the requests" }),
    trustBundle: z.string().openapi({ description: "PEM of the roots to trust" }),
    expiresAt: z.iso.datetime().openapi({ description: "When the first of them expires" }),
  })
  .openapi("IssuedCertificates");

const postCertificates = createRoute({
  method: "post",
  path: "/v1/meshes/{mesh}/certificates",
  summary: "Certificates for workloads, from certificate requests",
  description:
    "Each request must be signed by its own key, P-256 or RSA of 2048 to 4096 bits, and name one SPIFFE id of the mesh's trust domain. DNS names of the identity's own namespace are taken over; nothing else is.",
  security: bearer,
  middleware: [requireScope("agent")] as const,
  request: {
    params: MeshParam,
    ...jsonBody(
      z.object({
        csrs: z.array(RequestPem).min(1).max(MAX_REQUESTS),
        lifetimeSeconds: z
          .int()
          .min(LEAF_LIFETIME_BOUNDS.min / 1000)
          .max(LEAF_LIFETIME_BOUNDS.max / 1000)
          .optional(),
      }),
    ),
  },
  responses: { 200: json("The certificates", IssuedSchema), ...problemResponses },
});

const postIntermediate = createRoute({
  method: "post",
  path: "/v1/meshes/{mesh}/intermediates",
  summary: "A short-lived intermediate for an agent, kept to the mesh's trust domain",
  description:
    "The DNS names of the request are those under which proxies know the agent: its server's certificate may have them, and no certificate others.",
  security: bearer,
  middleware: [requireScope("agent")] as const,
  request: { params: MeshParam, ...jsonBody(z.object({ csr: RequestPem })) },
  responses: { 200: json("The intermediate", IssuedSchema), ...problemResponses },
});

const getTrustBundle = createRoute({
  method: "get",
  path: "/v1/meshes/{mesh}/trust-bundle",
  summary: "The roots that workloads of the mesh trust",
  security: bearer,
  middleware: [requireScope("read", "agent")] as const,
  request: { params: MeshParam },
  responses: {
    200: json(
      "The bundle",
      z
        .object({
          trustDomain: z.string(),
          trustBundle: z.string().openapi({ description: "PEM of the roots, the newest first" }),
          issuer: z.string().openapi({
            description: "Fingerprint of the root that is issued from: SHA-256 of its DER",
          }),
          version: z.string().openapi({ description: "Names what is in force" }),
          revoked: z.array(z.string()).openapi({
            description: "SPIFFE ids that nobody is issued certificates for",
          }),
          revocation: z.string().optional().openapi({
            description:
              "Names the last revocation whose root nobody trusts any more: connections from before it are to end",
          }),
          federations: z
            .array(
              z.object({
                trustDomain: z.string(),
                source: z.union([GivenBundleSchema, BundleEndpointSchema]),
              }),
            )
            .optional()
            .openapi({
              description: "Other trust domains, whose identities their own roots alone vouch for",
            }),
        })
        .openapi("TrustBundle"),
    ),
    ...problemResponses,
  },
});

const getSigningKey = createRoute({
  method: "get",
  path: "/v1/meshes/{mesh}/signing-key",
  summary: "The public key that signs the mesh's revisions, which agents pin",
  security: bearer,
  middleware: [requireScope("read", "agent")] as const,
  request: { params: MeshParam },
  responses: {
    200: json(
      "The key",
      z
        .object({
          id: z.string(),
          publicKey: z.object({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string() }),
        })
        .openapi("SigningKey"),
    ),
    ...problemResponses,
  },
});

export function pkiRoutes(deps: AppDeps) {
  const app = createRouter();
  const authority = createMeshAuthority(deps);
  app.openapi(postCertificates, async (c) => {
    const { csrs, lifetimeSeconds } = c.req.valid("json");
    const { mesh, actor } = c.var;
    const issued = await authority.certify(mesh, csrs, {
      namespaces: await namespacesOf(deps, mesh, actor.agent),
      ...(lifetimeSeconds === undefined ? {} : { lifetime: lifetimeSeconds * 1000 }),
    });
    return c.json(issued, 200);
  });
  app.openapi(postIntermediate, async (c) => {
    const { mesh, actor } = c.var;
    const issued = await authority.delegate(mesh, c.req.valid("json").csr, {
      namespaces: await namespacesOf(deps, mesh, actor.agent),
      name: actor.agent ?? actor.token,
    });
    return c.json(issued, 200);
  });
  app.openapi(getTrustBundle, async (c) => c.json(await authority.trustBundle(c.var.mesh), 200));
  app.openapi(getSigningKey, async (c) => c.json(await signingKeyOf(deps, c.var.mesh), 200));
  return app;
}
