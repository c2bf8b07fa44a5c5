/** Schemas of agents, proxies and what joins them, for OpenAPI. */
import { z } from "@hono/zod-openapi";
import {
  diagnosticReportSchema,
  accessAnswerSchema,
  effectSchema,
  headSchema,
  ownedReportSchema,
  proxyTrustSchema,
  proxyTypeSchema,
  serviceReportSchema,
  workloadReportSchema,
} from "@heddle/sync";

export const HeadSchema = headSchema;

export const EnrollmentSchema = z
  .object({
    agentId: z.string(),
    token: z.string(),
    mesh: z.string().openapi({ description: "The mesh's id" }),
    signingKey: z.unknown().openapi({ description: "Public Ed25519 key as JWK, to be pinned" }),
    trustDomain: z.string(),
  })
  .openapi("Enrollment");

export const CreatedJoinTokenSchema = z
  .object({ id: z.string(), name: z.string(), token: z.string(), expiresAt: z.iso.datetime() })
  .openapi("CreatedJoinToken");

export const ProxyInfoSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    type: z.enum(["sidecar", "router"]),
    agent: z.string(),
    connectedAt: z.iso.datetime(),
    acknowledged: z.int(),
    state: z.enum(["synced", "pending", "stale", "rejected"]),
    types: z.record(z.string(), proxyTypeSchema),
    trust: proxyTrustSchema.optional().openapi({
      description: "The certificates that it has acknowledged, and the roots that it trusts",
    }),
  })
  .openapi("ProxyInfo");

export const AgentInfoSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    version: z.string(),
    connected: z.boolean(),
    since: z.iso.datetime(),
    acknowledged: z.int(),
    cluster: z
      .string()
      .optional()
      .openapi({ description: "What it calls its cluster; absent where it shares none" }),
    sharesWith: z
      .array(z.string())
      .openapi({ description: "Clusters of the mesh that services are shared with" }),
    proxies: z.array(ProxyInfoSchema),
  })
  .openapi("AgentInfo");

export const ClusterSummarySchema = z
  .object({
    services: z.array(serviceReportSchema),
    workloads: z.array(workloadReportSchema),
    objects: z.array(ownedReportSchema.extend({ owner: z.string() })),
    diagnostics: z.array(diagnosticReportSchema.extend({ agent: z.string() })),
  })
  .openapi("ClusterSummary");

export const AccessAnswersSchema = z
  .object({
    agents: z.array(accessAnswerSchema.extend({ agent: z.string() })),
    silent: z
      .array(z.string())
      .openapi({ description: "Agents that were asked and did not answer in time" }),
  })
  .openapi("AccessAnswers");

export const ObjectEffectSchema = z
  .object({
    key: z.string(),
    agents: z.array(effectSchema.omit({ key: true }).extend({ agent: z.string() })),
    silent: z
      .array(z.string())
      .openapi({ description: "Agents that were asked and did not answer in time" }),
    diagnostics: z
      .array(diagnosticReportSchema.extend({ agent: z.string() }))
      .openapi({ description: "What agents have found out about the object" }),
  })
  .openapi("ObjectEffect");
