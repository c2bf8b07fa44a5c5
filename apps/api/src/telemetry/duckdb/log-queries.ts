/** Queries over log lines. */

import type { DuckDBConnection, DuckDBValue } from "@duckdb/node-api";
import type { LogLine } from "@heddle/client";
import {
  type Attributes,
  authorizationFields,
  authorizationSources,
  type LogEntry,
  NO_TOKEN,
  PROVEN_PREFIX,
  UNPROVEN_CALLER,
  validationFields,
} from "@heddle/telemetry";
import type { LogQuery, TimeRange, UnprovenCaller } from "../telemetry-store.ts";
import { statusRange } from "../status-range.ts";
import { nameMatches } from "./name-matches.ts";
import { toLogLine } from "../log-line.ts";
import { nanoseconds } from "./trace-queries.ts";

const columns =
  "time, severity, body, source_workload, source_namespace, source_service, destination_workload, destination_namespace, destination_service, reporter, method, path, status, flags, duration, trace_id, span_id, attributes";

/** Newest first. */
export async function findLogs(
  connection: DuckDBConnection,
  scope: number,
  query: LogQuery,
): Promise<LogLine[]> {
  const values: Record<string, DuckDBValue> = { scope, ...nanoseconds(query), limit: query.limit };
  const conditions = ["scope = $scope", "time >= $from", "time < $to"];
  if (query.service !== undefined) {
    conditions.push(
      `(${nameMatches("destination_service", "$service")} OR ${nameMatches("source_service", "$service")})`,
    );
    values["service"] = query.service;
  }
  if (query.text !== undefined) {
    conditions.push("(contains(lower(body), $text) OR contains(lower(path), $text))");
    values["text"] = query.text.toLowerCase();
  }
  if (query.status !== undefined) {
    const [low, high] = statusRange(query.status);
    conditions.push("status BETWEEN $low AND $high");
    Object.assign(values, { low, high });
  }
  if (query.flags !== undefined) {
    conditions.push("list_contains(string_split(flags, ','), $flag)");
    values["flag"] = query.flags;
  }
  if (query.traceId !== undefined) {
    conditions.push("trace_id = $traceId");
    values["traceId"] = query.traceId;
  }
  if (query.requestId !== undefined) {
    conditions.push(`${NAMED("http.request.id")} = $requestId`);
    values["requestId"] = query.requestId;
  }
  if (query.workload !== undefined) {
    conditions.push("destination_namespace || '/' || destination_workload = $workload");
    values["workload"] = query.workload;
  }
  if (query.refused) conditions.push(REFUSED);
  const rows = await connection.runAndReadAll(
    `SELECT ${columns} FROM logs WHERE ${conditions.join(" AND ")} ORDER BY time DESC LIMIT $limit`,
    values,
  );
  return rows.getRowsJS().map((row) => toLogLine(entryOf(row as (string | number | bigint)[])));
}

const NAMED = (name: string) => `coalesce(json_extract_string(attributes, '$."${name}"'), '')`;

/** As `wasRefused` of a line in memory. */
const REFUSED = `(${[
  `${NAMED(authorizationFields.decision)} <> ''`,
  `${NAMED(validationFields.decision)} = 'refused'`,
  `starts_with(${NAMED(authorizationSources.details)}, '${NO_TOKEN}')`,
].join(" OR ")})`;

/** Who called without an identity; where somebody had the address, all its addresses together. */
export async function findUnprovenCallers(
  connection: DuckDBConnection,
  scope: number,
  range: TimeRange,
): Promise<UnprovenCaller[]> {
  const rows = await connection.runAndReadAll(
    `WITH lines AS (
       SELECT destination_namespace, destination_workload, ${NAMED(UNPROVEN_CALLER.namespace)} AS namespace, ${NAMED(UNPROVEN_CALLER.workload)} AS workload,
         regexp_replace(${NAMED("envoy.downstream.remote_address")}, ':[0-9]+$', '') AS address, time
       FROM logs WHERE scope = $scope AND time >= $from AND time < $to AND reporter = 'destination' AND NOT starts_with(${NAMED("source.principal")}, $proven)
     )
     SELECT destination_namespace, destination_workload, namespace, workload, max(address), count(*)::DOUBLE, max(time)
     FROM lines GROUP BY destination_namespace, destination_workload, namespace, workload, CASE WHEN workload = '' THEN address ELSE '' END
     ORDER BY count(*) DESC, destination_namespace, destination_workload, workload LIMIT 1000`,
    { scope, ...nanoseconds(range), proven: PROVEN_PREFIX },
  );
  type Row = [string, string, string, string, string, number, bigint];
  return (rows.getRowsJS() as Row[]).map(
    ([toNamespace, toName, namespace, name, address, requests, last]) => ({
      destination: { namespace: toNamespace, name: toName },
      source: { namespace, name },
      address: address.replace(/^\[(.*)\]$/, "$1"),
      requests,
      lastSeen: Number(last / 1_000_000n),
    }),
  );
}

function entryOf(row: (string | number | bigint)[]): LogEntry {
  const text = (index: number) => row[index] as string;
  return {
    timeNs: row[0] as bigint,
    severity: text(1),
    body: text(2),
    sourceWorkload: text(3),
    sourceNamespace: text(4),
    sourceService: text(5),
    destinationWorkload: text(6),
    destinationNamespace: text(7),
    destinationService: text(8),
    reporter: text(9) as LogEntry["reporter"],
    method: text(10),
    path: text(11),
    status: row[12] as number,
    flags: text(13),
    durationMs: row[14] as number,
    traceId: text(15),
    spanId: text(16),
    attributes: JSON.parse(text(17)) as Attributes,
  };
}
