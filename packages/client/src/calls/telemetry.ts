/** What the mesh's requests did. Times are RFC 3339 or relative to now, as the plane reads them. */
import type {
  GraphView,
  LogList,
  MutualTlsStatus,
  SeriesResult,
  ServiceList,
  ServicePage,
  TraceDetail,
  TraceList,
  WorkloadList,
} from "../telemetry-types.ts";
import type { Transport } from "../transport.ts";
import type { Graph } from "../types.ts";
import { inMesh } from "./paths.ts";

export interface Range {
  from?: string | undefined;
  to?: string | undefined;
}

export interface TraceFilter extends Range {
  service?: string | undefined;
  operation?: string | undefined;
  /** With a unit, `250ms`. */
  minDuration?: string | undefined;
  status?: "ok" | "error" | undefined;
  limit?: number | undefined;
}

export interface LogFilter extends Range {
  service?: string | undefined;
  q?: string | undefined;
  /** `5xx`, `404`. */
  status?: string | undefined;
  flags?: string | undefined;
  traceId?: string | undefined;
  /** `x-request-id`. */
  requestId?: string | undefined;
  /** Of the destination, `namespace/name`. */
  workload?: string | undefined;
  /** Only what a policy, a check or the want of a valid token has refused. */
  refused?: boolean | undefined;
  limit?: number | undefined;
}

export interface SeriesFilter extends Range {
  metric: string;
  service?: string | undefined;
  by?: string | undefined;
  /** With a unit, `15s`. */
  step?: string | undefined;
}

export function telemetryCalls({ json }: Transport) {
  const get = <T>(mesh: string, path: string, query: object = {}, signal?: AbortSignal) =>
    json<T>("GET", inMesh(mesh, path), { query: { ...query }, signal });
  return {
    graph: (
      mesh: string,
      query: Range & { view?: GraphView; namespace?: string } = {},
      signal?: AbortSignal,
    ) => get<Graph>(mesh, "/graph", query, signal),
    services: (mesh: string, query: Range = {}, signal?: AbortSignal) =>
      get<ServiceList>(mesh, "/services", query, signal),
    mtls: (mesh: string, query: Range = {}, signal?: AbortSignal) =>
      get<MutualTlsStatus>(mesh, "/mtls", query, signal),
    service: (mesh: string, host: string, query: Range = {}, signal?: AbortSignal) =>
      get<ServicePage>(mesh, `/services/${encodeURIComponent(host)}`, query, signal),
    workloads: (mesh: string, query: Range = {}, signal?: AbortSignal) =>
      get<WorkloadList>(mesh, "/workloads", query, signal),
    traces: (mesh: string, query: TraceFilter = {}, signal?: AbortSignal) =>
      get<TraceList>(mesh, "/traces", query, signal),
    trace: (mesh: string, id: string, signal?: AbortSignal) =>
      get<TraceDetail>(mesh, `/traces/${encodeURIComponent(id)}`, {}, signal),
    logs: (mesh: string, query: LogFilter = {}, signal?: AbortSignal) =>
      get<LogList>(mesh, "/logs", query, signal),
    series: (mesh: string, query: SeriesFilter, signal?: AbortSignal) =>
      get<SeriesResult>(mesh, "/series", query, signal),
  };
}
