/** Records as table rows, appended in chunks of columns. */

import {
  BIGINT,
  DOUBLE,
  DuckDBDataChunk,
  INTEGER,
  VARCHAR,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
} from "@duckdb/node-api";
import {
  toBuckets,
  type LogEntry,
  type MetricPoint,
  type RequestPoint,
  type SpanRecord,
} from "@heddle/telemetry";

/** DuckDB's own vector size: larger chunks are cut, smaller ones waste calls. */
const chunkRows = 2048;

export type Row = DuckDBValue[];

const types: Record<string, DuckDBType[]> = {
  requests: [INTEGER, BIGINT, INTEGER, ...Array<DuckDBType>(9).fill(DOUBLE)],
  latencies: [INTEGER, BIGINT, INTEGER, DOUBLE, DOUBLE, DOUBLE],
  metrics: [INTEGER, BIGINT, VARCHAR, VARCHAR, VARCHAR, DOUBLE, DOUBLE, VARCHAR, VARCHAR],
  spans: [
    INTEGER,
    ...Array<DuckDBType>(6).fill(VARCHAR),
    BIGINT,
    BIGINT,
    ...Array<DuckDBType>(6).fill(VARCHAR),
  ],
  logs: [
    INTEGER,
    BIGINT,
    ...Array<DuckDBType>(11).fill(VARCHAR),
    INTEGER,
    VARCHAR,
    DOUBLE,
    VARCHAR,
    VARCHAR,
    VARCHAR,
  ],
};

export type RowTable = "requests" | "latencies" | "metrics" | "spans" | "logs";

/** Appends inside the connection's transaction, giving other work of the process a turn between chunks. */
export async function appendRows(
  connection: DuckDBConnection,
  table: RowTable,
  rows: readonly Row[],
): Promise<void> {
  if (rows.length === 0) return;
  const appender = await connection.createAppender(table);
  try {
    for (let start = 0; start < rows.length; start += chunkRows) {
      const part = rows.slice(start, start + chunkRows);
      const columns = types[table]!.map((_, column) => part.map((row) => row[column]!));
      const chunk = DuckDBDataChunk.create(types[table]!, part.length);
      chunk.setColumns(columns);
      appender.appendDataChunk(chunk);
      if (start + chunkRows < rows.length) await new Promise((resolve) => setImmediate(resolve));
    }
    appender.flushSync();
  } catch (error) {
    // What went wrong is in the way of closing too, and says less there.
    try {
      appender.closeSync();
    } catch {}
    throw error;
  }
  appender.closeSync();
}

export function requestRow(scope: number, series: number, point: RequestPoint): Row {
  const { duration } = point;
  return [
    scope,
    BigInt(Math.round(point.time)),
    series,
    point.requests,
    duration?.count ?? 0,
    duration?.sum ?? 0,
    point.requestBytes,
    point.responseBytes,
    point.opened,
    point.closed,
    point.received,
    point.sent,
  ];
}

/** One row a bucket that holds something; the last bucket's upper end is infinite. */
export function latencyRows(scope: number, series: number, point: RequestPoint): Row[] {
  if (!point.duration) return [];
  const time = BigInt(Math.round(point.time));
  return toBuckets(point.duration).map(({ lower, upper, count }) => [
    scope,
    time,
    series,
    lower,
    upper,
    count,
  ]);
}

/** A histogram's value is its sum. */
export function metricRow(scope: number, point: MetricPoint): Row {
  const { value } = point;
  const [amount, count] =
    value.type === "gauge" || value.type === "sum"
      ? [value.value, 1]
      : value.type === "summary"
        ? [value.sum, value.count]
        : [value.histogram.sum, value.histogram.count];
  return [
    scope,
    point.timeNs / 1_000_000n,
    point.name,
    point.unit,
    value.type,
    amount,
    count,
    json(point.attributes),
    sharedJson(point.resource),
  ];
}

export function spanRow(scope: number, span: SpanRecord): Row {
  return [
    scope,
    span.traceId,
    span.spanId,
    span.parentSpanId,
    span.service,
    span.operation,
    span.kind,
    span.startNs,
    BigInt(Math.round(span.durationNs)),
    span.status,
    span.statusMessage,
    json(span.attributes),
    sharedJson(span.resource),
    span.events.length === 0 ? "" : json(span.events),
    span.links.length === 0 ? "" : json(span.links),
  ];
}

export function logRow(scope: number, entry: LogEntry): Row {
  return [
    scope,
    entry.timeNs,
    entry.severity,
    entry.body,
    entry.sourceWorkload,
    entry.sourceNamespace,
    entry.sourceService,
    entry.destinationWorkload,
    entry.destinationNamespace,
    entry.destinationService,
    entry.reporter,
    entry.method,
    entry.path,
    entry.status,
    entry.flags,
    entry.durationMs,
    entry.traceId,
    entry.spanId,
    json(entry.attributes),
  ];
}

const resources = new WeakMap<object, string>();

/** Records of one delivery share their resource object, so its text is made once. */
function sharedJson(resource: object): string {
  let text = resources.get(resource);
  if (text === undefined) resources.set(resource, (text = json(resource)));
  return text;
}

function json(value: object): string {
  return JSON.stringify(value);
}
