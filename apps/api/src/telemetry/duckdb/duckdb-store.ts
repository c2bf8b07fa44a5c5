/** The telemetry store on an embedded DuckDB file. */

import { stat } from "node:fs/promises";
import type { SeriesResult } from "@heddle/client";
import { requestLabels, type RequestLabel } from "@heddle/telemetry";
import { arrivalsOf } from "../traffic/arrivals.ts";
import { graphOf, touching } from "../traffic/graph.ts";
import { serverSide } from "../traffic/reporter.ts";
import { sameService } from "../same-service.ts";
import { hostOf, servicesOf, workloadsOf } from "../traffic/services.ts";
import type { SeriesTotals } from "../traffic/series-totals.ts";
import type {
  SeriesQuery,
  StoreStatus,
  TelemetryScope,
  TelemetryStore,
  TimeRange,
} from "../telemetry-store.ts";
import { createCheckpoint } from "./checkpoint.ts";
import { findLogs, findUnprovenCallers } from "./log-queries.ts";
import { metricSeries } from "./metric-queries.ts";
import { openFile, type OpenOptions } from "./open.ts";
import { courses, seriesTotals, type Course } from "./request-queries.ts";
import { expireRows, type Retention } from "./retention.ts";
import { reopening } from "./reopening.ts";
import { loadDictionary } from "./series.ts";
import { findTraces, readTrace, traceOperations, traceServices } from "./trace-queries.ts";
import { createWriter } from "./writer.ts";

export interface DuckDbStoreOptions extends OpenOptions {
  /** How long rows are kept, milliseconds. */
  retention?: Partial<Retention>;
  /** Milliseconds since 1970. */
  clock?: () => number;
  /** How often old rows are dropped, milliseconds; 0 for never by itself. */
  expireEveryMs?: number;
  /** How long the write-ahead log grows before it goes into the file, bytes. */
  logBytes?: number;
}

const day = 86_400_000;
const defaultRetention: Retention = {
  requests: 15 * day,
  metrics: 15 * day,
  spans: 3 * day,
  logs: 3 * day,
};

/** Throws StoreError HDL5101 or HDL5102 where the file can't be used. */
export function openDuckDbStore(options: DuckDbStoreOptions): Promise<TelemetryStore> {
  return reopening(() => openOnce(options), options.clock ?? Date.now);
}

async function openOnce(options: DuckDbStoreOptions): Promise<TelemetryStore> {
  const clock = options.clock ?? Date.now;
  const retention = { ...defaultRetention, ...options.retention };
  const { instance, writer: connection } = await openFile(options);
  const dictionary = await loadDictionary(connection);
  const checkpoint = createCheckpoint(options.path, options.logBytes);
  const writer = createWriter(connection, dictionary, clock, checkpoint);
  const reader = await instance.connect();
  const every = options.expireEveryMs ?? 600_000;
  const timer =
    every > 0
      ? setInterval(() => void expire(clock()).catch(() => undefined), every).unref()
      : undefined;

  return {
    write: (scope, batch, id) => writer.write(scope, batch, id),
    graph: (scope, query) =>
      totalsOf(scope, query, (series) => {
        return Promise.resolve(graphOf(touching(series, query), query.view, seconds(query)));
      }),
    services: (scope, range, stepMs, host) =>
      totalsOf(scope, range, async (series, id) => {
        const services = servicesOf(
          host === undefined ? series : series.filter((one) => hostOf(one) === host),
          seconds(range),
        );
        const course =
          id === undefined
            ? []
            : await courses(
                reader,
                dictionary,
                id,
                range,
                stepMs,
                services.map(({ ids }) => ids),
              );
        return services.map(({ totals }, index) => {
          const { rate, errors, p95 } = course[index]!;
          return {
            ...totals,
            rateSeries: rate,
            errorSeries: errors,
            p95Series: p95.map((value) => value ?? 0),
          };
        });
      }),
    workloads: (scope, range) =>
      totalsOf(scope, range, (series) => Promise.resolve(workloadsOf(series, seconds(range)))),
    async series(scope, query) {
      const id = dictionary.findScope(scope);
      if (id === undefined) return [];
      return query.metric in goldenMetrics
        ? goldenSeries(id, query)
        : metricSeries(reader, id, query);
    },
    traces: (scope, query) => inScope(scope, [], (id) => findTraces(reader, id, query)),
    trace: (scope, traceId) => inScope(scope, [], (id) => readTrace(reader, id, traceId)),
    traceServices: (scope, range) => inScope(scope, [], (id) => traceServices(reader, id, range)),
    traceOperations: (scope, range, service) =>
      inScope(scope, [], (id) => traceOperations(reader, id, range, service)),
    logs: (scope, query) => inScope(scope, [], (id) => findLogs(reader, id, query)),
    arrivals: (scope, range) =>
      totalsOf(scope, range, (series) => Promise.resolve(arrivalsOf(series))),
    unprovenCallers: (scope, range) =>
      inScope(scope, [], (id) => findUnprovenCallers(reader, id, range)),
    expire,
    status,
    async close() {
      clearInterval(timer);
      await writer.close();
      reader.closeSync();
      connection.closeSync();
      instance.closeSync();
    },
  };

  function expire(now: number): Promise<number> {
    return writer.exclusively((own) => expireRows(own, retention, now, checkpoint));
  }

  function inScope<T>(
    scope: TelemetryScope,
    none: T,
    work: (id: number) => Promise<T>,
  ): Promise<T> {
    const id = dictionary.findScope(scope);
    return id === undefined ? Promise.resolve(none) : work(id);
  }

  async function totalsOf<T>(
    scope: TelemetryScope,
    range: TimeRange,
    work: (series: SeriesTotals[], id: number | undefined) => Promise<T>,
  ): Promise<T> {
    const id = dictionary.findScope(scope);
    return work(id === undefined ? [] : await seriesTotals(reader, dictionary, id, range), id);
  }

  async function goldenSeries(id: number, query: SeriesQuery): Promise<SeriesResult["series"]> {
    const all = await seriesTotals(reader, dictionary, id, query);
    const wanted = all.filter(
      (one) => query.service === undefined || sameService(hostOf(one), query.service),
    );
    const label = requestLabels.find((name): name is RequestLabel => name === query.by);
    const chosen = [...serverSide(wanted, hostOf).values()].flat();
    const groups = Map.groupBy(chosen, (one) => (label ? one.labels[label] : ""));
    const course = await courses(
      reader,
      dictionary,
      id,
      query,
      query.stepMs,
      [...groups.values()].map((group) => group.map((one) => one.id)),
    );
    const valuesOf = goldenMetrics[query.metric as keyof typeof goldenMetrics];
    return [...groups.keys()].map((value, index) => ({
      labels: label ? { [label]: value } : {},
      values: valuesOf(course[index]!),
    }));
  }

  async function status(): Promise<StoreStatus> {
    const counts = await reader.runAndReadAll(
      "SELECT (SELECT count(*) FROM spans)::DOUBLE, (SELECT count(*) FROM logs)::DOUBLE, (SELECT count(*) FROM requests)::DOUBLE, (SELECT count(*) FROM metrics)::DOUBLE",
    );
    const [spans, logs, requests, metrics] = counts.getRowsJS()[0] as [
      number,
      number,
      number,
      number,
    ];
    const sizes = await Promise.all(
      [options.path, `${options.path}.wal`].map((path) =>
        stat(path).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
    );
    return { spans, logs, requests, metrics, bytesOnDisk: sizes.reduce((a, b) => a + b, 0) };
  }
}

const goldenMetrics = {
  rate: (course: Course) => course.rate,
  errors: (course: Course) => course.errors,
  error_rate: (course: Course) =>
    course.errors.map((errors, step) =>
      course.rate[step]! > 0 ? errors / course.rate[step]! : null,
    ),
  bytes: (course: Course) => course.bytes,
  p50: (course: Course) => course.p50,
  p95: (course: Course) => course.p95,
  p99: (course: Course) => course.p99,
};

function seconds(range: TimeRange): number {
  return Math.max(0.001, (range.to - range.from) / 1000);
}
