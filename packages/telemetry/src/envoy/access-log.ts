/** Access log records of the mesh's proxies as log lines: who called whom, how, and how it ended. */

import type { Attributes, LogRecord } from "../records.ts";
import { withAuthorization } from "./authorization.ts";
import { withRequestValidation } from "./request-validation.ts";

/** One line, times apart from the record's own: what a person asks logs for. Text is empty and numbers are 0 where a log says nothing. */
export interface LogEntry {
  timeNs: bigint;
  severity: string;
  body: string;
  sourceWorkload: string;
  sourceNamespace: string;
  sourceService: string;
  destinationWorkload: string;
  destinationNamespace: string;
  destinationService: string;
  reporter: "source" | "destination" | "";
  method: string;
  path: string;
  status: number;
  flags: string;
  durationMs: number;
  traceId: string;
  spanId: string;
  /** What no field above holds. */
  attributes: Attributes;
}

/** The attributes that fields are made of, as the proxies' access log format names them. */
export const accessLogFields = {
  reporter: "heddle.reporter",
  method: "http.request.method",
  path: "url.path",
  status: "http.response.status_code",
  flags: "envoy.response_flags",
  durationMs: "envoy.duration_ms",
  traceId: "heddle.trace_id",
  spanId: "heddle.span_id",
  sourceWorkload: "source.workload",
  sourceNamespace: "source.namespace",
  sourceService: "source.canonical_service",
  destinationWorkload: "destination.workload",
  destinationNamespace: "destination.namespace",
  destinationService: "destination.service",
} as const;

const taken = new Set<string>(Object.values(accessLogFields));

/** Any OTLP log record becomes an entry; one that no proxy wrote keeps its text, and its resource's service as source. */
export function toLogEntry(record: LogRecord): LogEntry {
  const text = (name: keyof typeof accessLogFields) =>
    known(record.attributes[accessLogFields[name]]);
  const reporter = text("reporter");
  const status = Number(text("status")) || 0;
  const flags = text("flags");
  const entry: LogEntry = {
    timeNs: record.timeNs,
    severity: record.severity || severityOf(status, reporter !== ""),
    body: record.body,
    sourceWorkload: text("sourceWorkload"),
    sourceNamespace: text("sourceNamespace"),
    sourceService: text("sourceService"),
    destinationWorkload: text("destinationWorkload"),
    destinationNamespace: text("destinationNamespace"),
    destinationService: text("destinationService"),
    reporter: reporter === "source" || reporter === "destination" ? reporter : "",
    method: text("method"),
    path: text("path"),
    status,
    flags,
    durationMs: Number(text("durationMs")) || 0,
    traceId: record.traceId || text("traceId"),
    spanId: record.spanId || text("spanId"),
    attributes: withAuthorization(withRequestValidation(rest(record.attributes)), flags),
  };
  if (entry.reporter === "") describeSender(entry, record.resource);
  return entry;
}

/** A line of an application: its sender stands where a proxy's source would. */
function describeSender(entry: LogEntry, resource: Attributes): void {
  entry.sourceService ||= known(resource["service.name"]);
  entry.sourceNamespace ||= known(resource["k8s.namespace.name"] ?? resource["service.namespace"]);
  entry.sourceWorkload ||= known(resource["k8s.deployment.name"] ?? resource["k8s.pod.name"]);
}

/** Envoy writes `-` where it has nothing to say. */
function known(value: Attributes[string] | undefined): string {
  return value === undefined || value === "-" ? "" : String(value);
}

function severityOf(status: number, access: boolean): string {
  if (status >= 500) return "ERROR";
  if (status >= 400) return "WARN";
  return access ? "INFO" : "";
}

function rest(attributes: Attributes): Attributes {
  const result: Attributes = {};
  for (const name of Object.keys(attributes)) {
    const value = attributes[name]!;
    if (!taken.has(name) && value !== "-" && value !== "") result[name] = value;
  }
  return result;
}
