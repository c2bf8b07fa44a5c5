/** What can be asked of a log line, and which part of it the plane itself can answer. */
import { type LogFilter, type LogLine, refusalOf } from "@heddle/client";
import type { Field, Query } from "../filter/query.ts";

export const logFields: readonly Field<LogLine>[] = [
  {
    name: "status",
    aliases: ["code"],
    type: "number",
    about: "HTTP status, as status >= 500",
    read: (line) => line.status,
  },
  {
    name: "flag",
    aliases: ["flags"],
    type: "text",
    about: "response flag, as flag ~ UF",
    read: (line) => line.flags,
  },
  { name: "method", type: "text", about: "HTTP method", read: (line) => line.method },
  { name: "path", type: "text", about: "path, as path ~ /api", read: (line) => line.path },
  {
    name: "took",
    aliases: ["duration"],
    type: "duration",
    about: "time of the request, as 300ms",
    read: (line) => line.durationMs,
  },
  {
    name: "from",
    aliases: ["source"],
    type: "text",
    about: "workload that called",
    read: (line) => line.source.workload,
  },
  {
    name: "to",
    aliases: ["destination"],
    type: "text",
    about: "workload that was called",
    read: (line) => line.destination.workload,
  },
  {
    name: "host",
    type: "text",
    about: "service that was called",
    read: (line) => line.destination.service,
  },
  {
    name: "ns",
    aliases: ["namespace"],
    type: "text",
    about: "namespace of the callee",
    read: (line) => line.destination.namespace,
  },
  { name: "trace", type: "text", about: "id of the trace", read: (line) => line.traceId },
  {
    name: "reporter",
    type: "text",
    about: "whose proxy wrote it: source or destination",
    read: (line) => line.reporter,
  },
  {
    name: "severity",
    aliases: ["level"],
    type: "text",
    about: "ERROR, WARN, INFO",
    read: (line) => line.severity,
  },
  {
    name: "policy",
    type: "text",
    about: "AuthorizationPolicy that refused, namespace/name",
    read: (line) => String(line.attributes["heddle.authorization.policy"] ?? ""),
  },
  {
    name: "refused",
    type: "text",
    about: "yes where a policy, a check or the want of a token refused",
    read: (line) => (refusalOf(line) ? "yes" : "no"),
  },
  { name: "body", type: "text", about: "the whole line", read: (line) => line.body },
];

/**
 * The plane's own filter for a query: it may let through more than was asked, never less. The console filters what comes once more.
 */
export function serverFilter(query: Query, service: string | undefined): LogFilter {
  const filter: LogFilter = {};
  if (service !== undefined) filter.service = service;
  for (const term of query.terms) {
    if (term.kind === "word" && !term.negated) {
      // A word is looked for in every text field here, and in body and path there: only what looks like a path is safe to hand on.
      if (term.text.startsWith("/")) filter.q ??= term.text;
      continue;
    }
    if (term.kind !== "compare") continue;
    const { field, operator, value } = term;
    if (field === "status" && operator === "=" && /^\d{3}$/.test(value)) filter.status ??= value;
    else if (field === "status" && operator === ">=" && value === "500") filter.status ??= "5xx";
    else if (field === "flag" && (operator === "=" || operator === "~") && /^[A-Z]+$/.test(value)) {
      // `~` finds UF in UFX too; the plane would not.
      if (operator === "=") filter.flags ??= value;
    } else if (field === "refused" && operator === "=" && value === "yes") filter.refused ??= true;
    else if (field === "trace" && operator === "=") filter.traceId ??= value;
    else if (field === "path" && (operator === "=" || operator === "~")) filter.q ??= value;
    else if (field === "body" && (operator === "=" || operator === "~")) filter.q ??= value;
  }
  return filter;
}
