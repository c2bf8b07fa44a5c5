/** Telemetry out: graph, services, workloads, traces, logs and series of one mesh. */

import { createRoute } from "@hono/zod-openapi";
import type { AppDeps } from "../../deps.ts";
import { requireScope } from "../../http/auth.ts";
import { bearer, createRouter, problemResponses } from "../../http/router.ts";
import { json, MeshParam } from "../../http/schemas.ts";
import type { LogFilter } from "../tail/log-filter.ts";
import { duration, stepOf, timeRange } from "./parameters.ts";
import {
  GraphQuerySchema,
  GraphSchema,
  LogListSchema,
  LogsQuery,
  MutualTlsStatusSchema,
  RangeQuery,
  SeriesQuerySchema,
  SeriesResultSchema,
  ServiceListSchema,
  ServicePageSchema,
  ServiceParams,
  SteppedQuery,
  TraceDetailSchema,
  TraceListSchema,
  TraceParams,
  TracesQuery,
  WorkloadListSchema,
} from "./schemas.ts";
import type { TelemetryQueries } from "./service.ts";

const MESH = "/v1/meshes/{mesh}";
const get = {
  method: "get" as const,
  security: bearer,
  middleware: requireScope("read", "agent"),
};

const getGraph = createRoute({
  ...get,
  path: `${MESH}/graph`,
  summary: "Who talks to whom: rates, errors, latency, mutual TLS",
  request: { params: MeshParam, query: GraphQuerySchema },
  responses: { 200: json("Nodes and edges", GraphSchema), ...problemResponses },
});

const getServices = createRoute({
  ...get,
  path: `${MESH}/services`,
  summary: "Services with their golden signals, those without traffic too",
  request: { params: MeshParam, query: SteppedQuery },
  responses: { 200: json("Services by host", ServiceListSchema), ...problemResponses },
});

const getService = createRoute({
  ...get,
  path: `${MESH}/services/{host}`,
  summary: "One service: its signals, its callers and whom it calls",
  request: { params: ServiceParams, query: SteppedQuery },
  responses: { 200: json("The service", ServicePageSchema), ...problemResponses },
});

const getWorkloads = createRoute({
  ...get,
  path: `${MESH}/workloads`,
  summary: "Workloads with their golden signals",
  request: { params: MeshParam, query: RangeQuery },
  responses: {
    200: json("Workloads by namespace and name", WorkloadListSchema),
    ...problemResponses,
  },
});

const getMtls = createRoute({
  ...get,
  path: `${MESH}/mtls`,
  summary:
    "What each namespace's workloads take, how requests came to them, and who came without an identity",
  request: { params: MeshParam, query: RangeQuery },
  responses: { 200: json("Namespaces by name", MutualTlsStatusSchema), ...problemResponses },
});

const getTraces = createRoute({
  ...get,
  path: `${MESH}/traces`,
  summary: "Traces, newest first",
  request: { params: MeshParam, query: TracesQuery },
  responses: {
    200: json("Traces that have a span as asked for", TraceListSchema),
    ...problemResponses,
  },
});

const getTrace = createRoute({
  ...get,
  path: `${MESH}/traces/{id}`,
  summary: "One trace with all its spans",
  request: { params: TraceParams },
  responses: { 200: json("The trace", TraceDetailSchema), ...problemResponses },
});

const getLogs = createRoute({
  ...get,
  path: `${MESH}/logs`,
  summary: "Log lines, newest first",
  request: { params: MeshParam, query: LogsQuery },
  responses: { 200: json("Lines", LogListSchema), ...problemResponses },
});

const getSeries = createRoute({
  ...get,
  path: `${MESH}/series`,
  summary: "The course of a metric in equal steps",
  request: { params: MeshParam, query: SeriesQuerySchema },
  responses: {
    200: json("One series for each value of `by`", SeriesResultSchema),
    ...problemResponses,
  },
});

/** Sparklines have about this many points, charts more. */
const sparklinePoints = 30;
const chartPoints = 60;

export function queryRoutes(deps: AppDeps, queries: TelemetryQueries) {
  const app = createRouter();
  const range = (query: { from?: string | undefined; to?: string | undefined }) =>
    timeRange(query, deps.clock());

  app.openapi(getGraph, async (c) => {
    const query = c.req.valid("query");
    return c.json(
      await queries.graph(c.var.mesh, {
        ...range(query),
        view: query.view,
        ...given({ namespace: query.namespace, service: query.service }),
      }),
      200,
    );
  });
  app.openapi(getServices, async (c) => {
    const query = c.req.valid("query");
    const asked = range(query);
    return c.json(
      await queries.services(c.var.mesh, asked, stepOf(asked, query.step, sparklinePoints)),
      200,
    );
  });
  app.openapi(getService, async (c) => {
    const query = c.req.valid("query");
    const asked = range(query);
    return c.json(
      await queries.service(
        c.var.mesh,
        c.req.valid("param").host,
        asked,
        stepOf(asked, query.step, sparklinePoints),
      ),
      200,
    );
  });
  app.openapi(getWorkloads, async (c) =>
    c.json(await queries.workloads(c.var.mesh, range(c.req.valid("query"))), 200),
  );
  app.openapi(getMtls, async (c) =>
    c.json(await queries.mtls(c.var.mesh, range(c.req.valid("query"))), 200),
  );
  app.openapi(getTraces, async (c) => {
    const { service, operation, status, limit, ...query } = c.req.valid("query");
    const minDurationMs =
      query.minDuration === undefined ? undefined : duration("minDuration", query.minDuration);
    const maxDurationMs =
      query.maxDuration === undefined ? undefined : duration("maxDuration", query.maxDuration);
    return c.json(
      await queries.traces(c.var.mesh, {
        ...range(query),
        limit,
        ...given({ service, operation, status, minDurationMs, maxDurationMs }),
      }),
      200,
    );
  });
  app.openapi(getTrace, async (c) =>
    c.json(
      await queries.trace(c.var.mesh, c.req.valid("param").id.toLowerCase().padStart(32, "0")),
      200,
    ),
  );
  app.openapi(getLogs, async (c) => {
    const query = c.req.valid("query");
    return c.json(
      await queries.logs(c.var.mesh, {
        ...range(query),
        limit: query.limit,
        ...logFilterOf(query),
      }),
      200,
    );
  });
  app.openapi(getSeries, async (c) => {
    const query = c.req.valid("query");
    const asked = range(query);
    const stepMs = stepOf(asked, query.step, chartPoints);
    return c.json(
      await queries.series(c.var.mesh, {
        ...asked,
        metric: query.metric,
        stepMs,
        ...given({ service: query.service, by: query.by }),
      }),
      200,
    );
  });
  return app;
}

export function logFilterOf(query: {
  service?: string | undefined;
  q?: string | undefined;
  status?: string | undefined;
  flags?: string | undefined;
  traceId?: string | undefined;
  requestId?: string | undefined;
  workload?: string | undefined;
  refused?: boolean | undefined;
}): LogFilter {
  return given({
    service: query.service,
    text: query.q,
    status: query.status,
    flags: query.flags,
    traceId: query.traceId,
    requestId: query.requestId,
    workload: query.workload,
    refused: query.refused,
  });
}

/** Without what is undefined. */
function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
