/** What pages show, as cached queries: live ranges ask again every few seconds, and what is on screen stays until its successor is there. */
import {
  type CertificateInfo,
  type CertificateList,
  type GraphView,
  HeddleApiError,
  type LogFilter,
  type TraceFilter,
  type WorkloadAccessQuestion,
} from "@heddle/client";
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { rangeKey, resolveRange, stepSeconds, type TimeRange } from "../time/range.ts";
import { ask, askAll, between } from "./plane.ts";

/** Telemetry arrives every few seconds; asking faster shows nothing new. */
const LIVE_MS = 5_000;
/** Configuration and agents are pushed by events; this is the net below. */
const STATE_MS = 10_000;
/** How often a revision is looked at while it is on its way. */
const ARRIVING_MS = 400;
const PAGE = 500;
/** The plane gives no more certificates at once. */
const CERTIFICATES = 200;
/** Lines of a trace are looked for so long before and after its start. */
const AROUND_MS = 600_000;

const live = (range: TimeRange): number | false => (range.kind === "live" ? LIVE_MS : false);
/** Live ranges move in steps of this, so that the buckets of two answers are the same and nothing flickers. */
const GRID_MS = 5_000;
const gridNow = (ms = GRID_MS): number => Math.ceil(Date.now() / ms) * ms;
const now = (range: TimeRange) => between(resolveRange(range, gridNow()));

/** A refusal stays one; only silence is asked again. */
export function shouldRetry(failures: number, error: unknown): boolean {
  return !(error instanceof HeddleApiError) && failures < 2;
}

export const whoAmIQuery = () =>
  queryOptions({ queryKey: ["whoami"], queryFn: () => ask((plane) => plane.whoAmI()) });

export const tokensQuery = () =>
  queryOptions({
    queryKey: ["tokens"],
    queryFn: () => askAll((plane, cursor) => plane.listTokens({ cursor, limit: PAGE })),
  });

export const meshesQuery = () =>
  queryOptions({
    queryKey: ["meshes"],
    queryFn: () => askAll((plane, cursor) => plane.listMeshes({ cursor, limit: PAGE })),
    refetchInterval: STATE_MS,
  });

export const graphQuery = (mesh: string, range: TimeRange, view: GraphView) =>
  queryOptions({
    queryKey: [mesh, "telemetry", "graph", view, rangeKey(range)],
    queryFn: ({ signal }) => ask((plane) => plane.graph(mesh, { ...now(range), view }, signal)),
    refetchInterval: live(range),
    placeholderData: (previous, query) => (query?.queryKey[3] === view ? previous : undefined),
  });

export const servicesQuery = (mesh: string, range: TimeRange) =>
  queryOptions({
    queryKey: [mesh, "telemetry", "services", rangeKey(range)],
    queryFn: ({ signal }) => ask((plane) => plane.services(mesh, now(range), signal)),
    refetchInterval: live(range),
    placeholderData: (previous, query) => (query?.queryKey[0] === mesh ? previous : undefined),
  });

export const serviceQuery = (mesh: string, host: string, range: TimeRange) =>
  queryOptions({
    queryKey: [mesh, "telemetry", "service", host, rangeKey(range)],
    queryFn: ({ signal }) => ask((plane) => plane.service(mesh, host, now(range), signal)),
    refetchInterval: live(range),
    placeholderData: (previous, query) => (query?.queryKey[3] === host ? previous : undefined),
  });

export interface SeriesAsked {
  metric: string;
  service?: string;
  by?: string;
}

export const seriesQuery = (mesh: string, range: TimeRange, asked: SeriesAsked) =>
  queryOptions({
    queryKey: [
      mesh,
      "telemetry",
      "series",
      asked.metric,
      asked.service ?? "",
      asked.by ?? "",
      rangeKey(range),
    ],
    queryFn: ({ signal }) => {
      const seconds = stepSeconds(resolveRange(range, Date.now()));
      const interval = resolveRange(range, gridNow(seconds * 1000));
      const step = `${seconds}s`;
      return ask((plane) => plane.series(mesh, { ...between(interval), ...asked, step }, signal));
    },
    refetchInterval: live(range),
    placeholderData: (previous, query) => {
      const [, , , metric, service] = query?.queryKey ?? [];
      return metric === asked.metric && service === (asked.service ?? "") ? previous : undefined;
    },
  });

export const tracesQuery = (mesh: string, range: TimeRange, filter: TraceFilter, limit = 200) =>
  queryOptions({
    queryKey: [mesh, "telemetry", "traces", filter, limit, rangeKey(range)],
    queryFn: ({ signal }) =>
      ask((plane) => plane.traces(mesh, { ...now(range), ...filter, limit }, signal)),
    refetchInterval: live(range),
    placeholderData: keepPreviousData,
  });

export const traceQuery = (mesh: string, id: string) =>
  queryOptions({
    queryKey: [mesh, "telemetry", "trace", id],
    queryFn: ({ signal }) => ask((plane) => plane.trace(mesh, id, signal)),
    staleTime: 30_000,
  });

export const logsQuery = (mesh: string, range: TimeRange, filter: LogFilter, limit = 300) =>
  queryOptions({
    queryKey: [mesh, "telemetry", "logs", filter, limit, rangeKey(range)],
    queryFn: ({ signal }) =>
      ask((plane) => plane.logs(mesh, { ...now(range), ...filter, limit }, signal)),
    placeholderData: keepPreviousData,
  });

export const proxiesQuery = (mesh: string) =>
  queryOptions({
    queryKey: [mesh, "fleet", "proxies"],
    queryFn: ({ signal }) =>
      askAll((plane, cursor) => plane.proxies(mesh, { cursor, limit: PAGE }, signal)),
    refetchInterval: STATE_MS,
  });

export const agentsQuery = (mesh: string) =>
  queryOptions({
    queryKey: [mesh, "fleet", "agents"],
    queryFn: ({ signal }) =>
      askAll((plane, cursor) => plane.agents(mesh, { cursor, limit: PAGE }, signal)),
    refetchInterval: STATE_MS,
  });

export const objectsQuery = (mesh: string) =>
  queryOptions({
    queryKey: [mesh, "config", "objects"],
    queryFn: ({ signal }) =>
      askAll((plane, cursor) => plane.objectsPage(mesh, { cursor, limit: PAGE }, signal)),
    refetchInterval: STATE_MS,
  });

/** Agents are asked each time; it costs them something. */
export const objectEffectQuery = (mesh: string, key: string) =>
  queryOptions({
    queryKey: [mesh, "config", "effect", key],
    queryFn: ({ signal }) => ask((plane) => plane.objectEffect(mesh, key, signal)),
    refetchInterval: STATE_MS,
  });

/** Agents are asked once: an answer changes with policies alone. */
export const accessQuery = (mesh: string, question: WorkloadAccessQuestion) =>
  queryOptions({
    queryKey: [mesh, "config", "access", question],
    queryFn: ({ signal }) => ask((plane) => plane.explain(mesh, question, signal)),
    staleTime: STATE_MS,
  });

/** What was refused of one trace: around its start where that is known, else in the range. */
export const refusalsQuery = (
  mesh: string,
  traceId: string,
  shown: TimeRange,
  start: string | undefined,
) =>
  queryOptions({
    queryKey: [mesh, "telemetry", "refusals", traceId, start ?? rangeKey(shown)],
    queryFn: ({ signal }) => {
      const at = Date.parse(start ?? "");
      const range =
        start === undefined ? now(shown) : between({ from: at - AROUND_MS, to: at + AROUND_MS });
      return ask((plane) =>
        plane.logs(mesh, { ...range, traceId, refused: true, limit: 20 }, signal),
      );
    },
    staleTime: 30_000,
    // Of the same trace, looked for anew once it is known when that was.
    placeholderData: (before, query) => (query?.queryKey[3] === traceId ? before : undefined),
  });

export const certificatesQuery = (mesh: string) =>
  queryOptions({
    queryKey: [mesh, "certificates", "inventory"],
    queryFn: ({ signal }) =>
      ask(async (plane) => {
        const items: CertificateInfo[] = [];
        let page: CertificateList;
        let cursor: string | undefined;
        do {
          page = await plane.certificates(mesh, { cursor, limit: CERTIFICATES }, signal);
          items.push(...page.items);
          cursor = page.next;
        } while (cursor !== undefined);
        return { ...page, items };
      }),
    refetchInterval: STATE_MS,
  });

export const authoritiesQuery = (mesh: string) =>
  queryOptions({
    queryKey: [mesh, "certificates", "authorities"],
    queryFn: ({ signal }) => ask((plane) => plane.authorities(mesh, signal)),
    refetchInterval: STATE_MS,
  });

export const revocationsQuery = (mesh: string) =>
  queryOptions({
    queryKey: [mesh, "certificates", "revocations"],
    queryFn: ({ signal }) => ask((plane) => plane.revocations(mesh, signal)),
    refetchInterval: STATE_MS,
  });

export const revisionsQuery = (mesh: string) =>
  queryOptions({
    queryKey: [mesh, "config", "revisions"],
    queryFn: ({ signal }) => ask((plane) => plane.revisions(mesh, { limit: 200 }, signal)),
    refetchInterval: STATE_MS,
  });

/** One revision; asked often until every proxy has it. */
export const revisionQuery = (mesh: string, number: number) =>
  queryOptions({
    queryKey: [mesh, "config", "revision", number],
    queryFn: ({ signal }) => ask((plane) => plane.getRevision(mesh, number, signal)),
    refetchInterval: (query) =>
      query.state.data?.convergence.state === "pending" ? ARRIVING_MS : STATE_MS,
  });

export const revisionDiffQuery = (mesh: string, number: number, from?: number) =>
  queryOptions({
    queryKey: [mesh, "config", "diff", number, from ?? "parent"],
    queryFn: ({ signal }) => ask((plane) => plane.diffRevision(mesh, number, from, signal)),
    staleTime: Number.POSITIVE_INFINITY,
  });
