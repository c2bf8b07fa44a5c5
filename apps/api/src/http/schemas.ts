/** Schemas of parameters and answers that several routes share. */
import { z } from "@hono/zod-openapi";

export const PageQuery = z.object({
  cursor: z.string().max(2048).optional().openapi({ description: "`next` of the page before" }),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(100)
    .openapi({ description: "Most items of the page" }),
});

export const MeshParam = z.object({
  mesh: z.string().openapi({
    param: { name: "mesh", in: "path" },
    description: "The mesh's name or id",
    example: "demo",
  }),
});

/** A boolean in a query: present without a value counts as true. */
export const QueryFlag = z
  .enum(["true", "false", "1", "0", ""])
  .transform((value) => value !== "false" && value !== "0")
  .optional();

export const DiagnosticSchema = z
  .object({
    code: z.string(),
    level: z.enum(["Error", "Warning", "Info"]),
    message: z.string(),
    origin: z.string(),
    reference: z.string().optional(),
    path: z.string().optional(),
    remedy: z.string().optional(),
  })
  .openapi("Diagnostic");

export const ConvergenceSchema = z
  .object({
    revision: z.int(),
    proxies: z.int(),
    acknowledged: z.int(),
    durationMs: z.number().optional(),
    state: z.enum(["applied", "pending", "stale", "no-agents"]),
  })
  .openapi("Convergence");

/** A page of items. */
export const pageSchema = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: z.string().optional() });

export const json = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { "application/json": { schema } },
});

export const jsonBody = <T extends z.ZodType>(schema: T) => ({
  body: { required: true, content: { "application/json": { schema } } },
});
