/** A stored log entry as the API shows it. */

import type { LogLine } from "@heddle/client";
import type { LogEntry } from "@heddle/telemetry";
import { rfc3339 } from "./rfc3339.ts";

export function toLogLine(entry: LogEntry): LogLine {
  return {
    time: rfc3339(entry.timeNs),
    severity: entry.severity,
    body: entry.body,
    source: {
      workload: entry.sourceWorkload,
      namespace: entry.sourceNamespace,
      service: entry.sourceService,
    },
    destination: {
      workload: entry.destinationWorkload,
      namespace: entry.destinationNamespace,
      service: entry.destinationService,
    },
    reporter: entry.reporter,
    method: entry.method,
    path: entry.path,
    status: entry.status,
    flags: entry.flags,
    durationMs: entry.durationMs,
    traceId: entry.traceId,
    attributes: entry.attributes,
  };
}
