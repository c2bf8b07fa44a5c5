/** Schemas of telemetry's parameters and answers, for checking and for the API's description. */

import { z } from "@hono/zod-openapi";
import { MeshParam, QueryFlag } from "../../http/schemas.ts";

const name = z.string().min(1).max(512);

export const RangeQuery = z.object({
  from: z.string().max(64).optional().openapi({
    description: "RFC 3339 or milliseconds since 1970; ten minutes before `to` where absent",
  }),
  to: z.string().max(64).optional().openapi({ description: "As `from`; now where absent" }),
});

export const SteppedQuery = RangeQuery.extend({
  step: z.string().max(16).optional().openapi({ description: "A duration such as `10s`" }),
});

export const GraphQuerySchema = RangeQuery.extend({
  view: z
    .enum(["workload", "app", "service"])
    .default("workload")
    .openapi({ description: "What the nodes stand for" }),
  namespace: name.optional(),
  service: name.optional().openapi({ description: "Only what goes into and out of this service" }),
});

export const TracesQuery = RangeQuery.extend({
  service: name.optional(),
  operation: name.optional(),
  minDuration: z
    .string()
    .max(16)
    .optional()
    .openapi({ description: "A duration such as `100ms`; a bare number counts milliseconds" }),
  maxDuration: z.string().max(16).optional(),
  status: z.enum(["ok", "error"]).optional(),
  limit: z.coerce.number().int().min(1).max(1500).default(100),
});

export const LogFilterQuery = z.object({
  service: name.optional(),
  q: name.optional().openapi({ description: "Text in body or path" }),
  status: z
    .string()
    .regex(/^([1-5]xx|\d{1,3})$/i, "a status is a number such as 503 or a class such as 5xx")
    .optional(),
  flags: z.string().max(16).optional().openapi({ description: "One response flag, such as UH" }),
  traceId: z.string().max(32).optional(),
  requestId: name.optional().openapi({ description: "x-request-id" }),
  workload: name.optional().openapi({ description: "Of the destination, `namespace/name`" }),
  refused: QueryFlag.openapi({
    description: "Only what a policy, a check or the want of a valid token has refused",
  }),
});

export const LogsQuery = RangeQuery.extend(LogFilterQuery.shape).extend({
  limit: z.coerce.number().int().min(1).max(5000).default(200),
});

export const SeriesQuerySchema = SteppedQuery.extend({
  metric: name.openapi({
    description: "rate, errors, error_rate, p50, p95, p99, bytes, or the name of any other metric",
  }),
  service: name.optional(),
  by: name.optional().openapi({ description: "A label to split by" }),
});

export const ServiceParams = MeshParam.extend({
  host: name.openapi({ param: { name: "host", in: "path" } }),
});
export const TraceParams = MeshParam.extend({
  id: z
    .string()
    .regex(/^[0-9a-fA-F]{1,32}$/, "a trace id is 32 hexadecimal digits")
    .openapi({ param: { name: "id", in: "path" } }),
});

const latency = z.number().nullable().openapi({ description: "Milliseconds" });

export const GoldenSchema = z
  .object({
    requests: z.number(),
    rate: z.number(),
    errorRate: z.number(),
    p50: latency,
    p95: latency,
    p99: latency,
    bytesPerSecond: z.number(),
  })
  .openapi("Golden");

const NodeSchema = z
  .object({
    id: z.string(),
    kind: z.enum(["service", "workload", "gateway", "external", "unknown"]),
    namespace: z.string(),
    name: z.string(),
    app: z.string(),
    version: z.string(),
    golden: GoldenSchema,
  })
  .openapi("GraphNode");

const EdgeSchema = z
  .object({
    source: z.string(),
    target: z.string(),
    protocol: z.enum(["http", "grpc", "tcp"]),
    golden: GoldenSchema,
    mtls: z.number(),
    flags: z.record(z.string(), z.number()),
  })
  .openapi("GraphEdge");

const times = { from: z.string(), to: z.string() };

export const GraphSchema = z
  .object({ ...times, nodes: z.array(NodeSchema), edges: z.array(EdgeSchema) })
  .openapi("Graph");

const WorkloadSchema = z
  .object({
    name: z.string(),
    namespace: z.string(),
    app: z.string(),
    version: z.string(),
    serviceAccount: z.string(),
    pods: z.int(),
    golden: GoldenSchema,
  })
  .openapi("WorkloadSummary");

const ModeSchema = z.enum(["DISABLE", "PERMISSIVE", "STRICT"]);
const NameSchema = z.object({ namespace: z.string(), name: z.string() });

const NamespaceMutualTlsSchema = z
  .object({
    namespace: z.string(),
    workloads: z.array(
      z.object({
        name: z.string(),
        mode: ModeSchema.nullable(),
        ports: z.record(z.string(), ModeSchema),
        requests: z.number(),
        plaintext: z.number(),
      }),
    ),
    callers: z.array(
      z.object({
        source: NameSchema.nullable(),
        address: z.string(),
        destination: NameSchema,
        requests: z.number(),
        lastSeen: z.string(),
      }),
    ),
  })
  .openapi("NamespaceMutualTls");

export const MutualTlsStatusSchema = z
  .object({ ...times, namespaces: z.array(NamespaceMutualTlsSchema) })
  .openapi("MutualTlsStatus");

const ServiceSchema = z
  .object({
    host: z.string(),
    name: z.string(),
    namespace: z.string(),
    ports: z.array(z.object({ name: z.string(), port: z.int(), protocol: z.string() })),
    workloads: z.array(WorkloadSchema),
    golden: GoldenSchema,
    rateSeries: z.array(z.number()),
    errorSeries: z.array(z.number()),
    p95Series: z.array(z.number()),
  })
  .openapi("ServiceSummary");

export const ServiceListSchema = z.object({
  ...times,
  stepMs: z.int(),
  items: z.array(ServiceSchema),
});
export const ServicePageSchema = z.object({
  ...times,
  stepMs: z.int(),
  service: ServiceSchema,
  inbound: z.array(EdgeSchema),
  outbound: z.array(EdgeSchema),
  nodes: z.array(NodeSchema),
  codes: z.record(z.string(), z.number()),
  flags: z.record(z.string(), z.number()),
});
export const WorkloadListSchema = z.object({ ...times, items: z.array(WorkloadSchema) });

const TraceSummarySchema = z
  .object({
    traceId: z.string(),
    rootService: z.string(),
    rootOperation: z.string(),
    start: z.string(),
    durationMs: z.number(),
    spans: z.int(),
    errors: z.int(),
    services: z.array(z.object({ name: z.string(), spans: z.int() })),
  })
  .openapi("TraceSummary");

export const TraceListSchema = z.object({
  ...times,
  items: z.array(TraceSummarySchema),
  services: z.array(z.string()),
});

const AttributesSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

const SpanSchema = z
  .object({
    traceId: z.string(),
    spanId: z.string(),
    parentSpanId: z.string().nullable(),
    service: z.string(),
    operation: z.string(),
    kind: z.enum(["internal", "server", "client", "producer", "consumer"]),
    start: z.string(),
    offsetNs: z.number(),
    durationNs: z.number(),
    status: z.enum(["unset", "ok", "error"]),
    attributes: AttributesSchema,
    resource: AttributesSchema,
    events: z.array(
      z.object({ name: z.string(), offsetNs: z.number(), attributes: AttributesSchema }),
    ),
  })
  .openapi("Span");

export const TraceDetailSchema = z.object({
  traceId: z.string(),
  start: z.string(),
  durationMs: z.number(),
  spans: z.array(SpanSchema),
});

const PeerSchema = z.object({ workload: z.string(), namespace: z.string(), service: z.string() });

export const LogLineSchema = z
  .object({
    time: z.string(),
    severity: z.string(),
    body: z.string(),
    source: PeerSchema,
    destination: PeerSchema,
    reporter: z.enum(["source", "destination", ""]),
    method: z.string(),
    path: z.string(),
    status: z.int(),
    flags: z.string(),
    durationMs: z.number(),
    traceId: z.string(),
    attributes: AttributesSchema,
  })
  .openapi("LogLine");

export const LogListSchema = z.object({ ...times, items: z.array(LogLineSchema) });

export const SeriesResultSchema = z.object({
  metric: z.string(),
  ...times,
  stepMs: z.int(),
  series: z.array(
    z.object({ labels: z.record(z.string(), z.string()), values: z.array(z.number().nullable()) }),
  ),
});
