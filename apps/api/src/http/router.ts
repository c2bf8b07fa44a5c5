/** The router that every domain builds its routes on, so that a request that breaks a schema gets the same problem everywhere. */
import { OpenAPIHono, type Hook } from "@hono/zod-openapi";
import { z } from "zod";
import type { Scope } from "@heddle/db";
import type { MeshRecord } from "../deps.ts";
import { problem, problemResponse } from "./problem.ts";

/** Who asks. */
export interface Actor {
  readonly tenant: string;
  readonly tenantName: string;
  /** The token's id. */
  readonly token: string;
  readonly tokenName: string;
  readonly scopes: readonly Scope[];
  /** Ids of the meshes that the token opens; all of the tenant's where undefined. */
  readonly meshes: readonly string[] | undefined;
  /** Set where the token is an agent's. */
  readonly agent: string | undefined;
}

export interface Env {
  Variables: {
    requestId: string;
    /** Set on every path under `/v1` but the public ones. */
    actor: Actor;
    /** Set on every path under `/v1/meshes/{mesh}`. */
    mesh: MeshRecord;
  };
}

/** A router for one domain; `app.ts` mounts it at the root, so paths are whole. */
export function createRouter(): OpenAPIHono<Env> {
  return new OpenAPIHono<Env>({ defaultHook: refuse });
}

const refuse: Hook<unknown, Env, string, unknown> = (result, c) => {
  if (result.success) return undefined;
  const where = result.target;
  const diagnostics = result.error.issues.map((issue) => ({
    code: "HDL1004",
    level: "Error" as const,
    message: issue.message,
    origin: where,
    path: issue.path.map(String).join("."),
  }));
  const first = diagnostics[0];
  const detail = `${where}${first?.path ? ` ${first.path}` : ""}: ${first?.message ?? "not valid"}`;
  return problemResponse(problem("HDL1004", detail, { diagnostics }), c.var.requestId);
};

/** The problem document's schema, for the error responses of route definitions. */
export const ProblemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    remedy: z.string().optional(),
    diagnostics: z.array(z.record(z.string(), z.unknown())).optional(),
  })
  .openapi("Problem");

/** The error response of every route. */
export const problemResponses = {
  default: {
    description: "A problem, with a stable code",
    content: { "application/problem+json": { schema: ProblemSchema } },
  },
} as const;

/** The security requirement of routes that need a token. */
export const bearer = [{ bearer: [] }];
