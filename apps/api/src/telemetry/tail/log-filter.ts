/** The log filters of the API, applied to a line in memory as the store applies them to a row. */

import { splitFlags, type LogEntry, wasRefused } from "@heddle/telemetry";
import { sameService } from "../same-service.ts";
import { statusRange } from "../status-range.ts";
import type { LogQuery } from "../telemetry-store.ts";

export type LogFilter = Pick<
  LogQuery,
  "service" | "text" | "status" | "flags" | "traceId" | "requestId" | "workload" | "refused"
>;

export function logFilter(filter: LogFilter): (entry: LogEntry) => boolean {
  const text = filter.text?.toLowerCase();
  const [low, high] =
    filter.status === undefined ? [-Infinity, Infinity] : statusRange(filter.status);
  return (entry) =>
    (filter.service === undefined ||
      sameService(entry.destinationService, filter.service) ||
      sameService(entry.sourceService, filter.service)) &&
    (text === undefined ||
      entry.body.toLowerCase().includes(text) ||
      entry.path.toLowerCase().includes(text)) &&
    entry.status >= low &&
    entry.status <= high &&
    (filter.flags === undefined || splitFlags(entry.flags).includes(filter.flags)) &&
    (filter.traceId === undefined || entry.traceId === filter.traceId) &&
    (filter.requestId === undefined || entry.attributes["http.request.id"] === filter.requestId) &&
    (filter.workload === undefined ||
      `${entry.destinationNamespace}/${entry.destinationWorkload}` === filter.workload) &&
    (!filter.refused || wasRefused(entry));
}
