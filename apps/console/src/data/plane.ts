/** Everything the console asks of a plane, one function a call. */
import type {
  AgentInfo,
  ApiDiagnostic,
  ApplyRequest,
  ApplyResult,
  Graph,
  GraphView,
  LogList,
  MeshInfo,
  Page,
  ProxyInfo,
  RevisionDiff,
  RevisionInfo,
  SeriesResult,
  ServiceList,
  ServicePage,
  StoredObject,
  TraceDetail,
  TraceList,
} from "@heddle/client";
import type { Interval } from "../time/range.ts";
import { request, type Parameters } from "./request.ts";

type Signal = AbortSignal | undefined;

/** Lists are read to their end up to this many pages; what lies beyond is reported as cut. */
const MOST_PAGES = 20;

const inMesh = (mesh: string, rest: string): string =>
  `/v1/meshes/${encodeURIComponent(mesh)}${rest}`;
const span = ({ from, to }: Interval): Parameters => ({
  from: new Date(from).toISOString(),
  to: new Date(to).toISOString(),
});

export interface LogFilter {
  service?: string | undefined;
  q?: string | undefined;
  status?: string | undefined;
  flags?: string | undefined;
  traceId?: string | undefined;
}

export interface TraceFilter {
  service?: string | undefined;
  operation?: string | undefined;
  minDuration?: string | undefined;
  status?: string | undefined;
}

export const plane = {
  /** Resolves where the plane takes the token, and rejects with the reason where not. */
  checkToken: (token: string) =>
    request<unknown>("GET", "/v1/meshes", { query: { limit: 1 }, token }),
  meshes: (signal: Signal) => all<MeshInfo>("/v1/meshes", {}, signal),

  graph: (mesh: string, range: Interval, view: GraphView, signal: Signal) =>
    request<Graph>("GET", inMesh(mesh, "/graph"), { query: { ...span(range), view }, signal }),
  services: (mesh: string, range: Interval, signal: Signal) =>
    request<ServiceList>("GET", inMesh(mesh, "/services"), { query: span(range), signal }),
  service: (mesh: string, host: string, range: Interval, signal: Signal) =>
    request<ServicePage>("GET", inMesh(mesh, `/services/${encodeURIComponent(host)}`), {
      query: span(range),
      signal,
    }),
  series: (
    mesh: string,
    ask: { metric: string; service?: string; by?: string; step: number },
    range: Interval,
    signal: Signal,
  ) =>
    request<SeriesResult>("GET", inMesh(mesh, "/series"), {
      query: { ...span(range), ...ask, step: `${ask.step}s` },
      signal,
    }),
  traces: (mesh: string, range: Interval, filter: TraceFilter, limit: number, signal: Signal) =>
    request<TraceList>("GET", inMesh(mesh, "/traces"), {
      query: { ...span(range), ...filter, limit },
      signal,
    }),
  trace: (mesh: string, id: string, signal: Signal) =>
    request<TraceDetail>("GET", inMesh(mesh, `/traces/${encodeURIComponent(id)}`), { signal }),
  logs: (mesh: string, range: Interval, filter: LogFilter, limit: number, signal: Signal) =>
    request<LogList>("GET", inMesh(mesh, "/logs"), {
      query: { ...span(range), ...filter, limit },
      signal,
    }),
  logStreamPath: (mesh: string) => inMesh(mesh, "/logs/stream"),
  eventsPath: (mesh: string) => inMesh(mesh, "/events"),

  proxies: (mesh: string, signal: Signal) => all<ProxyInfo>(inMesh(mesh, "/proxies"), {}, signal),
  agents: (mesh: string, signal: Signal) => all<AgentInfo>(inMesh(mesh, "/agents"), {}, signal),

  objects: (mesh: string, signal: Signal) =>
    all<StoredObject>(inMesh(mesh, "/objects"), {}, signal),
  analyze: (mesh: string, body: ApplyRequest, signal: Signal) =>
    request<{ diagnostics: ApiDiagnostic[] }>("POST", inMesh(mesh, "/analyze"), { body, signal }),
  apply: (mesh: string, body: ApplyRequest) =>
    request<ApplyResult>("POST", inMesh(mesh, "/apply"), { body }),

  revisions: (mesh: string, signal: Signal) =>
    request<Page<RevisionInfo>>("GET", inMesh(mesh, "/revisions"), {
      query: { limit: 100 },
      signal,
    }),
  revision: (mesh: string, number: number, signal: Signal) =>
    request<RevisionInfo>("GET", inMesh(mesh, `/revisions/${number}`), { signal }),
  revisionDiff: (mesh: string, number: number, from: number | undefined, signal: Signal) =>
    request<RevisionDiff>("GET", inMesh(mesh, `/revisions/${number}/diff`), {
      query: { from },
      signal,
    }),
  /** Makes a new revision that restores the state of `number`. */
  rollback: (mesh: string, number: number) =>
    request<ApplyResult>("POST", inMesh(mesh, `/revisions/${number}/rollback`), { body: {} }),
};

/** Reads a list page by page. */
async function all<T>(path: string, query: Parameters, signal: Signal): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const answer = await request<Page<T>>("GET", path, {
      query: { ...query, cursor, limit: 500 },
      signal,
    });
    items.push(...answer.items);
    cursor = answer.next;
    if (cursor === undefined) break;
  }
  return items;
}
