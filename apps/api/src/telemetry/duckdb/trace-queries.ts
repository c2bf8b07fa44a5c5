/** Queries over spans: which traces there are, and one trace whole. */

import type { DuckDBConnection, DuckDBValue } from "@duckdb/node-api";
import type { Span, TraceSummary } from "@heddle/client";
import type { Attributes, SpanEvent } from "@heddle/telemetry";
import type { TimeRange, TraceQuery } from "../telemetry-store.ts";
import { rfc3339 } from "../rfc3339.ts";
import { nameMatches } from "./name-matches.ts";

/** Newest first. A trace is found by any of its spans that starts in the range and has all that is asked for; it is summed up whole. */
export async function findTraces(
  connection: DuckDBConnection,
  scope: number,
  query: TraceQuery,
): Promise<TraceSummary[]> {
  const values: Record<string, DuckDBValue> = { scope, ...nanoseconds(query), limit: query.limit };
  const conditions = ["scope = $scope", "start >= $from", "start < $to"];
  if (query.service !== undefined) {
    conditions.push(nameMatches("service", "$service"));
    values["service"] = query.service;
  }
  if (query.operation !== undefined) {
    conditions.push("operation = $operation");
    values["operation"] = query.operation;
  }
  if (query.minDurationMs !== undefined) {
    conditions.push("duration >= $shortest");
    values["shortest"] = BigInt(Math.round(query.minDurationMs * 1e6));
  }
  if (query.maxDurationMs !== undefined) {
    conditions.push("duration <= $longest");
    values["longest"] = BigInt(Math.round(query.maxDurationMs * 1e6));
  }
  if (query.status === "error") conditions.push("status = 'error'");
  Object.entries(query.attributes ?? {}).forEach(([name, value], index) => {
    conditions.push(`json_extract_string(attributes, $path${index}) = $value${index}`);
    values[`path${index}`] = `$."${name.replaceAll('"', '\\"')}"`;
    values[`value${index}`] = value;
  });
  const having = query.status === "ok" ? "HAVING count(*) FILTER (status = 'error') = 0" : "";
  const found = await connection.runAndReadAll(
    `WITH found AS (SELECT trace_id, max(start) AS latest FROM spans WHERE ${conditions.join(" AND ")} GROUP BY trace_id ${having} ORDER BY latest DESC LIMIT $limit)
     SELECT trace_id, any_value(latest) AS latest, min(start)::VARCHAR, max(start + duration)::VARCHAR, count(*)::INTEGER, count(*) FILTER (status = 'error')::INTEGER,
       first(service ORDER BY (parent_id <> ''), start), first(operation ORDER BY (parent_id <> ''), start), list(service)
     FROM spans JOIN found USING (trace_id) WHERE scope = $scope GROUP BY trace_id ORDER BY latest DESC, trace_id`,
    values,
  );
  return found.getRowsJS().map((row): TraceSummary => {
    const [traceId, , start, end, spans, errors, rootService, rootOperation, services] = row as [
      string,
      bigint,
      string,
      string,
      number,
      number,
      string,
      string,
      string[],
    ];
    return {
      traceId,
      rootService,
      rootOperation,
      start: rfc3339(BigInt(start)),
      durationMs: Number(BigInt(end) - BigInt(start)) / 1e6,
      spans,
      errors,
      services: countNames(services),
    };
  });
}

/** By start; spans that a sender delivered twice stand once. */
export async function readTrace(
  connection: DuckDBConnection,
  scope: number,
  traceId: string,
): Promise<Span[]> {
  const rows = await connection.runAndReadAll(
    `SELECT span_id, parent_id, service, operation, kind, start, duration, status, message, attributes, resource, events
     FROM spans WHERE scope = $scope AND trace_id = $traceId ORDER BY start, (parent_id <> ''), duration DESC`,
    { scope, traceId },
  );
  const spans: Span[] = [];
  const seen = new Set<string>();
  let first = 0n;
  for (const row of rows.getRowsJS()) {
    const [
      spanId,
      parentId,
      service,
      operation,
      kind,
      start,
      duration,
      status,
      message,
      attributes,
      resource,
      events,
    ] = row as [
      string,
      string,
      string,
      string,
      Span["kind"],
      bigint,
      bigint,
      Span["status"],
      string,
      string,
      string,
      string,
    ];
    if (seen.has(`${spanId} ${kind}`)) continue;
    seen.add(`${spanId} ${kind}`);
    if (spans.length === 0) first = start;
    const offsetNs = Number(start - first);
    spans.push({
      traceId,
      spanId,
      parentSpanId: parentId === "" ? null : parentId,
      service,
      operation,
      kind,
      start: rfc3339(start),
      offsetNs,
      durationNs: Number(duration),
      status,
      attributes: {
        ...(JSON.parse(attributes) as Attributes),
        ...(message === "" ? {} : { "status.message": message }),
      },
      resource: JSON.parse(resource) as Attributes,
      events:
        events === ""
          ? []
          : (JSON.parse(events) as SpanEvent[]).map((event) => ({
              ...event,
              offsetNs: offsetNs + event.offsetNs,
            })),
    });
  }
  return spans;
}

export async function traceServices(
  connection: DuckDBConnection,
  scope: number,
  range: TimeRange,
): Promise<string[]> {
  const rows = await connection.runAndReadAll(
    "SELECT DISTINCT service FROM spans WHERE scope = $scope AND start >= $from AND start < $to ORDER BY service",
    { scope, ...nanoseconds(range) },
  );
  return rows.getRowsJS().map((row) => String(row[0]));
}

export async function traceOperations(
  connection: DuckDBConnection,
  scope: number,
  range: TimeRange,
  service: string,
): Promise<{ name: string; kind: Span["kind"] }[]> {
  const rows = await connection.runAndReadAll(
    `SELECT DISTINCT operation, kind FROM spans WHERE scope = $scope AND start >= $from AND start < $to AND ${nameMatches("service", "$service")} ORDER BY operation, kind`,
    { scope, service, ...nanoseconds(range) },
  );
  return rows.getRowsJS().map((row) => ({ name: String(row[0]), kind: row[1] as Span["kind"] }));
}

export function nanoseconds(range: TimeRange): { from: bigint; to: bigint } {
  return {
    from: BigInt(Math.round(range.from)) * 1_000_000n,
    to: BigInt(Math.round(range.to)) * 1_000_000n,
  };
}

function countNames(names: readonly string[]): { name: string; spans: number }[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .map(([name, spans]) => ({ name, spans }))
    .sort((a, b) => b.spans - a.spans || (a.name < b.name ? -1 : 1));
}
