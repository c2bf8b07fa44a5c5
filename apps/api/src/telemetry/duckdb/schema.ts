/** The tables of the embedded columnar store. Times of requests and metrics are milliseconds, of spans and logs nanoseconds since 1970. */

import { requestLabels } from "@heddle/telemetry";

/** Raised with every change of the tables; a file of another version is refused rather than guessed at. */
export const schemaVersion = 1;

/** Ids come from the writer. `scope` stands for one mesh of one tenant in every table; every query names it. */
export const schema = `
CREATE TABLE IF NOT EXISTS meta (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS scopes (id INTEGER NOT NULL, tenant VARCHAR NOT NULL, mesh VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS streams (scope INTEGER NOT NULL, stream VARCHAR NOT NULL, number BIGINT NOT NULL, seen BIGINT NOT NULL, PRIMARY KEY (scope, stream));
CREATE TABLE IF NOT EXISTS series (id INTEGER NOT NULL, scope INTEGER NOT NULL, ${requestLabels.map((name) => `${name} VARCHAR NOT NULL`).join(", ")});
CREATE TABLE IF NOT EXISTS requests (
  scope INTEGER NOT NULL, time BIGINT NOT NULL, series INTEGER NOT NULL, requests DOUBLE NOT NULL, durations DOUBLE NOT NULL, duration_sum DOUBLE NOT NULL,
  request_bytes DOUBLE NOT NULL, response_bytes DOUBLE NOT NULL, opened DOUBLE NOT NULL, closed DOUBLE NOT NULL, received DOUBLE NOT NULL, sent DOUBLE NOT NULL
);
CREATE TABLE IF NOT EXISTS latencies (scope INTEGER NOT NULL, time BIGINT NOT NULL, series INTEGER NOT NULL, lower DOUBLE NOT NULL, upper DOUBLE NOT NULL, count DOUBLE NOT NULL);
CREATE TABLE IF NOT EXISTS metrics (
  scope INTEGER NOT NULL, time BIGINT NOT NULL, name VARCHAR NOT NULL, unit VARCHAR NOT NULL, type VARCHAR NOT NULL, value DOUBLE NOT NULL, count DOUBLE NOT NULL,
  attributes VARCHAR NOT NULL, resource VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS spans (
  scope INTEGER NOT NULL, trace_id VARCHAR NOT NULL, span_id VARCHAR NOT NULL, parent_id VARCHAR NOT NULL, service VARCHAR NOT NULL, operation VARCHAR NOT NULL,
  kind VARCHAR NOT NULL, start BIGINT NOT NULL, duration BIGINT NOT NULL, status VARCHAR NOT NULL, message VARCHAR NOT NULL, attributes VARCHAR NOT NULL,
  resource VARCHAR NOT NULL, events VARCHAR NOT NULL, links VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS logs (
  scope INTEGER NOT NULL, time BIGINT NOT NULL, severity VARCHAR NOT NULL, body VARCHAR NOT NULL, source_workload VARCHAR NOT NULL, source_namespace VARCHAR NOT NULL,
  source_service VARCHAR NOT NULL, destination_workload VARCHAR NOT NULL, destination_namespace VARCHAR NOT NULL, destination_service VARCHAR NOT NULL,
  reporter VARCHAR NOT NULL, method VARCHAR NOT NULL, path VARCHAR NOT NULL, status INTEGER NOT NULL, flags VARCHAR NOT NULL, duration DOUBLE NOT NULL,
  trace_id VARCHAR NOT NULL, span_id VARCHAR NOT NULL, attributes VARCHAR NOT NULL
);
`;

/** Tables with rows by time: the column of it and how many of its units are a millisecond. */
export const timedTables = [
  { table: "requests", column: "time", perMs: 1n, keep: "requests" },
  { table: "latencies", column: "time", perMs: 1n, keep: "requests" },
  { table: "metrics", column: "time", perMs: 1n, keep: "metrics" },
  { table: "spans", column: "start", perMs: 1_000_000n, keep: "spans" },
  { table: "logs", column: "time", perMs: 1_000_000n, keep: "logs" },
] as const;
