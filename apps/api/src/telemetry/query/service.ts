/** Answers to the questions of console and command line: the store's numbers joined with what the mesh's clusters say there is. */

import type {
  Golden,
  Graph,
  LogList,
  MutualTlsStatus,
  SeriesResult,
  ServiceList,
  ServicePage,
  ServiceSummary,
  TraceDetail,
  TraceList,
  WorkloadList,
  WorkloadSummary,
} from "@heddle/client";
import type { MeshRef } from "../../deps.ts";
import { telemetryProblem } from "../problems.ts";
import { sameService } from "../same-service.ts";
import type {
  GraphQuery,
  LogQuery,
  SeriesQuery,
  ServiceTraffic,
  TelemetryScope,
  TelemetryStore,
  TimeRange,
  TraceQuery,
  WorkloadTraffic,
} from "../telemetry-store.ts";
import { workloadId } from "../traffic/graph.ts";
import { byNamespace } from "./mutual-tls.ts";
import type { MeshRegistry, RegisteredWorkload, RegistrySummary } from "./registry.ts";

export interface TelemetryQueries {
  graph(mesh: MeshRef, query: GraphQuery): Promise<Graph>;
  services(mesh: MeshRef, range: TimeRange, stepMs: number): Promise<ServiceList>;
  /** Throws problem HDL5117 where neither traffic nor any cluster knows the service. */
  service(mesh: MeshRef, host: string, range: TimeRange, stepMs: number): Promise<ServicePage>;
  workloads(mesh: MeshRef, range: TimeRange): Promise<WorkloadList>;
  mtls(mesh: MeshRef, range: TimeRange): Promise<MutualTlsStatus>;
  traces(mesh: MeshRef, query: TraceQuery): Promise<TraceList>;
  /** Throws problem HDL5116. */
  trace(mesh: MeshRef, traceId: string): Promise<TraceDetail>;
  logs(mesh: MeshRef, query: LogQuery): Promise<LogList>;
  series(mesh: MeshRef, query: SeriesQuery): Promise<SeriesResult>;
}

export function createQueries(store: TelemetryStore, registry: MeshRegistry): TelemetryQueries {
  return {
    graph: async (mesh, query) => ({
      ...times(query),
      ...(await store.graph(scopeOf(mesh), query)),
    }),
    async services(mesh, range, stepMs) {
      const { traffic, workloads, known } = await overview(mesh, range, stepMs);
      return {
        ...times(range),
        stepMs,
        items: summaries(traffic, workloads, known, steps(range, stepMs)),
      };
    },
    async service(mesh, host, range, stepMs) {
      const { traffic, workloads, known } = await overview(mesh, range, stepMs);
      const all = summaries(traffic, workloads, known, steps(range, stepMs));
      const service =
        all.find((one) => one.host === host) ?? all.find((one) => sameService(one.host, host));
      if (!service)
        throw telemetryProblem(
          "HDL5117",
          `No cluster of the mesh has a service ${JSON.stringify(host)}, and none was called in the range.`,
        );
      const { nodes, edges } = await store.graph(scopeOf(mesh), {
        ...range,
        view: "workload",
        service: service.host,
      });
      const own = new Set([
        `service:${service.namespace}/${service.name}`,
        ...service.workloads.map((one) => workloadId(one.namespace, one.name)),
      ]);
      const inbound = edges.filter(({ target }) => own.has(target));
      const outbound = edges.filter(({ source }) => own.has(source));
      const linked = new Set(
        [...inbound, ...outbound].flatMap(({ source, target }) => [source, target]),
      );
      const counted = traffic.find((one) => one.host === service.host);
      return {
        ...times(range),
        stepMs,
        service,
        inbound,
        outbound,
        nodes: nodes.filter(({ id }) => linked.has(id)),
        codes: counted?.codes ?? {},
        flags: counted?.flags ?? {},
      };
    },
    async workloads(mesh, range) {
      const [workloads, known] = await Promise.all([
        store.workloads(scopeOf(mesh), range),
        registry(mesh),
      ]);
      return { ...times(range), items: workloadSummaries(workloads, known.workloads) };
    },
    async mtls(mesh, range) {
      const scope = scopeOf(mesh);
      const [arrivals, callers, known] = await Promise.all([
        store.arrivals(scope, range),
        store.unprovenCallers(scope, range),
        registry(mesh),
      ]);
      return { ...times(range), namespaces: byNamespace(known.workloads, arrivals, callers) };
    },
    async traces(mesh, query) {
      const scope = scopeOf(mesh);
      const [items, services] = await Promise.all([
        store.traces(scope, query),
        store.traceServices(scope, query),
      ]);
      return { ...times(query), items, services };
    },
    async trace(mesh, traceId) {
      const spans = await store.trace(scopeOf(mesh), traceId);
      const [first] = spans;
      if (!first) throw telemetryProblem("HDL5116", `There are no spans of trace ${traceId}.`);
      const endNs = Math.max(...spans.map(({ offsetNs, durationNs }) => offsetNs + durationNs));
      return { traceId, start: first.start, durationMs: endNs / 1e6, spans };
    },
    logs: async (mesh, query) => ({
      ...times(query),
      items: await store.logs(scopeOf(mesh), query),
    }),
    series: async (mesh, query) => ({
      metric: query.metric,
      ...times(query),
      stepMs: query.stepMs,
      series: await store.series(scopeOf(mesh), query),
    }),
  };

  async function overview(mesh: MeshRef, range: TimeRange, stepMs: number) {
    const scope = scopeOf(mesh);
    const [traffic, workloads, known] = await Promise.all([
      store.services(scope, range, stepMs),
      store.workloads(scope, range),
      registry(mesh),
    ]);
    return { traffic, workloads, known };
  }
}

export function scopeOf(mesh: MeshRef): TelemetryScope {
  return { tenant: mesh.tenant, mesh: mesh.id };
}

/** Services of the registry and services that were called, by host. */
function summaries(
  traffic: readonly ServiceTraffic[],
  workloads: readonly WorkloadTraffic[],
  known: RegistrySummary,
  length: number,
): ServiceSummary[] {
  const called = new Map(traffic.map((one) => [one.host, one]));
  const registered = new Map(known.services.map((one) => [one.host, one]));
  const hosts = [...new Set([...registered.keys(), ...called.keys()])].sort();
  return hosts.map((host) => {
    const seen = called.get(host);
    const own = registered.get(host);
    const served = workloadSummaries(
      workloads.filter((one) => one.hosts.includes(host)),
      known.workloads.filter((one) => one.services.includes(host)),
    );
    return {
      host,
      name: own?.name ?? seen!.name,
      namespace: own?.namespace ?? seen!.namespace,
      ports: own ? [...own.ports] : [],
      workloads: served,
      golden: seen?.golden ?? silence,
      rateSeries: seen?.rateSeries ?? zeros(length),
      errorSeries: seen?.errorSeries ?? zeros(length),
      p95Series: seen?.p95Series ?? zeros(length),
    };
  });
}

function workloadSummaries(
  traffic: readonly WorkloadTraffic[],
  registered: readonly RegisteredWorkload[],
): WorkloadSummary[] {
  const keyOf = (one: { namespace: string; name: string }) => `${one.namespace}/${one.name}`;
  const called = new Map(traffic.map((one) => [keyOf(one), one]));
  const known = new Map(registered.map((one) => [keyOf(one), one]));
  return [...new Set([...known.keys(), ...called.keys()])].sort().map((key) => {
    const own = known.get(key);
    const seen = called.get(key);
    return {
      name: own?.name ?? seen!.name,
      namespace: own?.namespace ?? seen!.namespace,
      app: own?.app || seen?.app || "",
      version: own?.version || seen?.version || "",
      serviceAccount: own?.serviceAccount || serviceAccountOf(seen?.principal ?? ""),
      pods: own?.pods ?? 0,
      golden: seen?.golden ?? silence,
    };
  });
}

/** The last part of `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`. */
function serviceAccountOf(principal: string): string {
  return /\/sa\/([^/]+)$/.exec(principal)?.[1] ?? "";
}

const silence: Golden = {
  requests: 0,
  rate: 0,
  errorRate: 0,
  p50: null,
  p95: null,
  p99: null,
  bytesPerSecond: 0,
};

function steps(range: TimeRange, stepMs: number): number {
  return Math.max(1, Math.ceil((range.to - range.from) / stepMs));
}

function zeros(length: number): number[] {
  return Array<number>(length).fill(0);
}

function times(range: TimeRange): { from: string; to: string } {
  return { from: new Date(range.from).toISOString(), to: new Date(range.to).toISOString() };
}
