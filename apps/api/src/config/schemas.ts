/** What configuration's routes take and give. */
import { z } from "@hono/zod-openapi";
import { isDeeperThan } from "@heddle/model";
import {
  ConvergenceSchema,
  DiagnosticSchema,
  MeshParam,
  PageQuery,
  QueryFlag,
} from "../http/schemas.ts";

/** Far above what an object may have, and below where it could not be written out again. */
const MAX_NESTING = 1000;
const isWritable = (value: unknown) => !isDeeperThan(MAX_NESTING, value);
const TOO_DEEP = `nested more than ${MAX_NESTING} levels deep`;

export const ApplyRequestSchema = z
  .strictObject({
    files: z.array(z.strictObject({ name: z.string().max(1024), content: z.string() })).max(10_000),
    objects: z.array(z.unknown().refine(isWritable, TOO_DEEP)).max(50_000),
    namespace: z.string().min(1).max(63),
    delete: z
      .array(z.string().regex(/^[^/]+\/[^/]+\/[^/]+\/[^/]+$/, "a key is group/Kind/namespace/name"))
      .max(50_000),
    message: z.string().max(4096),
    dryRun: z.boolean(),
    strict: z.boolean(),
    force: z.boolean(),
    ifRevision: z.int().min(0),
  })
  .partial()
  .openapi("ApplyRequest");

const Action = z.enum(["created", "configured", "unchanged", "deleted"]);

const ChangeSchema = z
  .object({
    key: z.string(),
    action: Action,
    before: z.string().nullish(),
    after: z.string().nullish(),
  })
  .openapi("ObjectChange");

export const ApplyResultSchema = z
  .object({
    revision: z.int(),
    dryRun: z.boolean(),
    changes: z.array(ChangeSchema),
    diagnostics: z.array(DiagnosticSchema),
  })
  .openapi("ApplyResult");

export const AnalysisSchema = z
  .object({ diagnostics: z.array(DiagnosticSchema) })
  .openapi("Analysis");

const Labels = z.record(z.string(), z.string());

export const StoredObjectSchema = z
  .object({
    key: z.string(),
    apiVersion: z.string(),
    kind: z.string(),
    metadata: z.object({
      name: z.string(),
      namespace: z.string(),
      labels: Labels.optional(),
      annotations: Labels.optional(),
    }),
    spec: z.unknown(),
    owner: z.string(),
    revision: z.int(),
    hash: z.string(),
    diagnostics: z.array(DiagnosticSchema),
    status: z.unknown().optional(),
  })
  .openapi("StoredObject");

export const ObjectBodySchema = z
  .looseObject({
    apiVersion: z.string(),
    kind: z.string(),
    metadata: z.looseObject({ name: z.string() }),
  })
  .refine(isWritable, TOO_DEEP)
  .openapi("Object");

export const RevisionSchema = z
  .object({
    number: z.int(),
    parent: z.int(),
    createdAt: z.iso.datetime(),
    author: z.string(),
    message: z.string(),
    stateRoot: z.string(),
    hash: z.string(),
    signature: z.string(),
    changes: z.array(ChangeSchema),
    rollbackOf: z.int().optional(),
    convergence: ConvergenceSchema,
  })
  .openapi("Revision");

export const RevisionDiffSchema = z
  .object({
    from: z.int(),
    to: z.int(),
    objects: z.array(
      z.object({
        key: z.string(),
        action: Action,
        before: z.string().nullable(),
        after: z.string().nullable(),
      }),
    ),
  })
  .openapi("RevisionDiff");

const Segment = z.string().min(1).max(253);

export const ObjectParams = MeshParam.extend({
  group: Segment.openapi({
    description: "`core` for the group without a name",
    example: "networking.istio.io",
  }),
  kind: Segment.openapi({ example: "VirtualService" }),
  namespace: Segment.openapi({
    description: "`-` for objects of the whole cluster",
    example: "default",
  }),
  name: Segment.openapi({ example: "reviews" }),
});

export const RevisionParams = MeshParam.extend({ revision: z.coerce.number().int().min(0) });

export const ObjectQuery = PageQuery.extend({
  group: z.string().optional(),
  kind: z.string().optional(),
  namespace: z.string().optional(),
  name: z.string().optional(),
  owner: z.string().optional(),
  labels: z.string().optional().openapi({ description: "`key=value` or `key`, comma-separated" }),
});

export const WriteQuery = z.object({
  dryRun: QueryFlag,
  strict: QueryFlag,
  force: QueryFlag,
  message: z.string().max(4096).optional(),
});

export const IdempotencyHeader = z.object({
  "idempotency-key": z
    .string()
    .max(255)
    .optional()
    .openapi({ description: "A repeat with the same key within 24 h gets the first answer" }),
});

export const WriteHeaders = IdempotencyHeader.extend({
  "if-match": z.string().optional().openapi({ description: "The object's ETag, or `*`" }),
  "if-none-match": z.string().optional().openapi({ description: "`*`: only where there is none" }),
});

export const DiffQuery = z.object({ from: z.coerce.number().int().min(0).optional() });

export const RollbackSchema = z
  .strictObject({ message: z.string().max(4096), dryRun: z.boolean() })
  .partial()
  .openapi("Rollback");
