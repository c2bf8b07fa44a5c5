/** What pages show, as cached queries: live ranges ask again every few seconds, and what is on screen stays until its successor is there. */
import type { GraphView } from "@heddle/client";
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { rangeKey, resolveRange, stepSeconds, type TimeRange } from "../time/range.ts";
import { PlaneError } from "./plane-error.ts";
import { type LogFilter, plane, type TraceFilter } from "./plane.ts";

/** Telemetry arrives every few seconds; asking faster shows nothing new. */
const LIVE_MS = 5_000;
/** Configuration and agents are pushed by events; this is the net below. */
const STATE_MS = 10_000;

const live = (range: TimeRange, everyMs = LIVE_MS): number | false =>
  range.kind === "live" ? everyMs : false;
const now = (range: TimeRange) => resolveRange(range, Date.now());

/** A refusal stays one; only silence is asked again. */
export function shouldRetry(failures: number, error: unknown): boolean {
  return !(error instanceof PlaneError) && failures < 2;
}

export const meshesQuery = () =>
  queryOptions({
    queryKey: ["meshes"],
    queryFn: ({ signal }) => plane.meshes(signal),
    refetchInterval: STATE_MS,
  });

export const graphQuery = (mesh: string, range: TimeRange, view: GraphView) =>
  queryOptions({
    queryKey: [mesh, "telemetry", "graph", view, rangeKey(range)],
    queryFn: ({ signal }) => plane.graph(mesh, now(range), view, signal),
    refetchInterval: live(range),
    placeholderData: keepPreviousData,
  });

export const servicesQuery = (mesh: string, range: TimeRange) =>
  queryOptions({
    queryKey: [mesh, "telemetry", "services", rangeKey(range)],
    queryFn: ({ signal }) => plane.services(mesh, now(range), signal),
    refetchInterval: live(range),
    placeholderData: keepPreviousData,
  });

export const serviceQuery = (mesh: string, host: string, range: TimeRange) =>
  queryOptions({
    queryKey: [mesh, "telemetry", "service", host, rangeKey(range)],
    queryFn: ({ signal }) => plane.service(mesh, host, now(range), signal),
    refetchInterval: live(range),
    placeholderData: (previous, query) => (query?.queryKey[3] === host ? previous : undefined),
  });

export const seriesQuery = (
  mesh: string,
  range: TimeRange,
  ask: { metric: string; service?: string; by?: string },
) =>
  queryOptions({
    queryKey: [
      mesh,
      "telemetry",
      "series",
      ask.metric,
      ask.service ?? "",
      ask.by ?? "",
      rangeKey(range),
    ],
    queryFn: ({ signal }) => {
      const interval = now(range);
      return plane.series(mesh, { ...ask, step: stepSeconds(interval) }, interval, signal);
    },
    refetchInterval: live(range),
    placeholderData: (previous, query) =>
      query?.queryKey[3] === ask.metric && query.queryKey[4] === (ask.service ?? "")
        ? previous
        : undefined,
  });

export const tracesQuery = (mesh: string, range: TimeRange, filter: TraceFilter, limit = 200) =>
  queryOptions({
    queryKey: [mesh, "telemetry", "traces", filter, limit, rangeKey(range)],
    queryFn: ({ signal }) => plane.traces(mesh, now(range), filter, limit, signal),
    refetchInterval: live(range),
    placeholderData: keepPreviousData,
  });

/** Spans of a fresh trace still arrive: it is asked again for as long as the page is open and the range is live. */
export const traceQuery = (mesh: string, id: string) =>
  queryOptions({
    queryKey: [mesh, "telemetry", "trace", id],
    queryFn: ({ signal }) => plane.trace(mesh, id, signal),
  });

export const logsQuery = (
  mesh: string,
  range: TimeRange,
  filter: LogFilter,
  limit = 300,
  refresh = true,
) =>
  queryOptions({
    queryKey: [mesh, "telemetry", "logs", filter, limit, rangeKey(range)],
    queryFn: ({ signal }) => plane.logs(mesh, now(range), filter, limit, signal),
    refetchInterval: refresh ? live(range) : false,
    placeholderData: keepPreviousData,
  });

export const proxiesQuery = (mesh: string) =>
  queryOptions({
    queryKey: [mesh, "fleet", "proxies"],
    queryFn: ({ signal }) => plane.proxies(mesh, signal),
    refetchInterval: STATE_MS,
  });

export const agentsQuery = (mesh: string) =>
  queryOptions({
    queryKey: [mesh, "fleet", "agents"],
    queryFn: ({ signal }) => plane.agents(mesh, signal),
    refetchInterval: STATE_MS,
  });

export const objectsQuery = (mesh: string) =>
  queryOptions({
    queryKey: [mesh, "config", "objects"],
    queryFn: ({ signal }) => plane.objects(mesh, signal),
    refetchInterval: STATE_MS,
  });

export const revisionsQuery = (mesh: string) =>
  queryOptions({
    queryKey: [mesh, "config", "revisions"],
    queryFn: ({ signal }) => plane.revisions(mesh, signal),
    refetchInterval: STATE_MS,
  });

/** One revision; asked often until every proxy has it. */
export const revisionQuery = (mesh: string, number: number) =>
  queryOptions({
    queryKey: [mesh, "config", "revision", number],
    queryFn: ({ signal }) => plane.revision(mesh, number, signal),
    refetchInterval: (query) =>
      query.state.data?.convergence.state === "applied" ? STATE_MS : 400,
  });

export const revisionDiffQuery = (mesh: string, number: number, from?: number) =>
  queryOptions({
    queryKey: [mesh, "config", "diff", number, from ?? "parent"],
    queryFn: ({ signal }) => plane.revisionDiff(mesh, number, from, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
