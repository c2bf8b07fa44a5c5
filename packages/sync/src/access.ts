/** Whether a workload's proxy would take a request: the command `explain`, and the answer to it. */
import { ACCESS_CHECKS, type AccessExplanation, type WorkloadAccessQuestion } from "@heddle/model";
import { z } from "zod";

const text = z.string().max(1024);
const outcome = z.enum(["passes", "refused", "depends"]);

/** Bytes of a question as JSON: it is one frame, and so are requests' headers. */
const MAX_QUESTION = 32 * 1024;

export const accessQuestionSchema = z
  .object({
    namespace: z.string().min(1).max(63),
    /** Its name, or that of one of its pods. */
    workload: z.string().min(1).max(253),
    /** Of the workload: its own or its service's. */
    port: z.int().min(1).max(65_535),
    layer: z.enum(["http", "tcp"]).optional(),
    /** SPIFFE URI; null: it comes in plaintext. */
    principal: z.string().max(2048).nullable().optional(),
    method: z.string().max(64).optional(),
    path: z.string().max(8192).optional(),
    host: z.string().max(512).optional(),
    /** Names in lower case; absent: nobody knows them. */
    headers: z.record(z.string().max(256), z.string().max(8192)).optional(),
    /** Of a valid token; null: there is none. */
    claims: z.record(z.string(), z.unknown()).nullable().optional(),
    sourceAddress: z.union([z.ipv4(), z.ipv6()]).optional(),
    remoteAddress: z.union([z.ipv4(), z.ipv6()]).optional(),
    destinationAddress: z.union([z.ipv4(), z.ipv6()]).optional(),
    serverName: z.string().max(253).optional(),
  })
  .refine((question) => JSON.stringify(question).length <= MAX_QUESTION, {
    error: `A question has ${MAX_QUESTION} characters at most.`,
  }) satisfies z.ZodType<WorkloadAccessQuestion>;

const accessTermSchema = z.object({
  field: text,
  wants: z.array(text),
  not: z.array(text),
  has: z.array(text).nullable(),
});

const accessExplanationSchema: z.ZodType<AccessExplanation> = z.object({
  layer: z.enum(["http", "tcp"]),
  /** The workload's own. */
  port: z.int(),
  outcome,
  /** The step that refuses, or the first that it depends on: its place in `steps`. */
  decidedBy: z.int().min(0).optional(),
  steps: z.array(
    z.object({
      check: z.enum(ACCESS_CHECKS),
      outcome,
      /** Nothing depends on the outcome. */
      dryRun: z.boolean().optional(),
      reason: z.string(),
      /** Keys. */
      objects: z.array(text),
      /** Counted from 0, of the policy `namespace/name`. */
      rule: z.object({ policy: text, rule: z.int().min(0) }).optional(),
      rules: z
        .array(
          z.object({
            policy: text,
            rule: z.int().min(0),
            matches: z.enum(["yes", "no", "unknown"]),
            missing: z.array(accessTermSchema),
            /** Fields that have no meaning for connections. */
            unjudged: z.array(text),
          }),
        )
        .optional(),
      remedy: z.string().optional(),
    }),
  ),
});

export const accessAnswerSchema = z.object({
  /** The proxy that was looked at, `pod.namespace`; absent where the agent has none of the workload. */
  proxy: text.optional(),
  explanation: accessExplanationSchema.optional(),
  /** Where objects were read, `file:line`, by their keys. */
  sources: z.record(text, text),
  /** Workloads of the namespace that have a proxy here, where this one has none. */
  known: z.array(text),
});
/** What one agent says of a question about access. */
export type AccessAnswer = z.infer<typeof accessAnswerSchema>;
