/** What tenancy's routes take and give. */
import { z } from "@hono/zod-openapi";
import { extensionProvidersSchema } from "@heddle/model";
import { ConvergenceSchema } from "../http/schemas.ts";

const MeshName = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    "a mesh's name is a DNS label: lower case letters, digits and `-`",
  )
  .openapi({ example: "demo" });

/** As SPIFFE has it (SPIFFE-ID, section 2.1). */
export const TrustDomain = z
  .string()
  .max(255)
  .regex(/^[a-z0-9._-]+$/, "a trust domain has lower case letters, digits, `.`, `-` and `_`")
  .openapi({ example: "cluster.local" });

export const MeshSettingsSchema = z
  .strictObject({
    traceSampling: z.number().min(0).max(100),
    accessLog: z.boolean(),
    outboundTrafficPolicy: z.enum(["ALLOW_ANY", "REGISTRY_ONLY"]),
    rootNamespace: z.string().min(1).max(63),
    clusterDomain: z.string().min(1).max(253),
    ingressClass: z.string().min(1).max(253),
    ingressControllerMode: z.enum(["OFF", "DEFAULT", "STRICT"]),
    ingressSelector: z.string().min(1).max(63),
    ingressService: z.string().min(1).max(63),
    trustDomainAliases: z.array(TrustDomain).max(20),
    onDemand: z.enum(["AUTO", "ALWAYS", "NEVER"]),
    extensionProviders: extensionProvidersSchema,
  })
  .partial()
  .openapi("MeshSettings");

export const NewMeshSchema = z
  .strictObject({
    name: MeshName,
    trustDomain: TrustDomain.optional(),
    settings: MeshSettingsSchema.optional(),
  })
  .openapi("NewMesh");

export const MeshChangeSchema = z
  .strictObject({ settings: MeshSettingsSchema })
  .openapi("MeshChange");

export const MeshInfoSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    trustDomain: z.string(),
    createdAt: z.iso.datetime(),
    revision: z.int(),
    convergence: ConvergenceSchema,
    settings: MeshSettingsSchema,
  })
  .openapi("Mesh");

const ScopeSchema = z.enum(["read", "write", "admin", "agent"]);

export const NewTokenSchema = z
  .strictObject({
    name: z.string().min(1).max(120),
    scopes: z.array(ScopeSchema).min(1),
    mesh: z.string().optional().openapi({ description: "Name or id of the one mesh it opens" }),
    expiresInSeconds: z.int().min(1).max(315_360_000).optional(),
  })
  .openapi("NewToken");

export const TokenInfoSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    scopes: z.array(ScopeSchema),
    mesh: z.uuid().optional(),
    agent: z.uuid().optional(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().optional(),
    revokedAt: z.iso.datetime().optional(),
    lastUsedAt: z.iso.datetime().optional(),
  })
  .openapi("Token");

export const CreatedTokenSchema = TokenInfoSchema.extend({
  token: z.string().openapi({ description: "The secret. It is shown only here." }),
}).openapi("CreatedToken");

export const WhoAmISchema = z
  .object({
    tenant: z.object({ id: z.uuid(), name: z.string() }),
    token: z.object({ id: z.uuid(), name: z.string() }),
    scopes: z.array(ScopeSchema),
    meshes: z
      .array(z.uuid())
      .optional()
      .openapi({ description: "Absent where every mesh is open" }),
  })
  .openapi("WhoAmI");
