/** The problems that telemetry routes answer with, beside those of the whole API. */

import { ProblemError, type ProblemOptions } from "../http/problem.ts";
import type { ProblemKind } from "../http/codes.ts";

const kind = (status: number, title: string, remedy: string): ProblemKind => ({
  status,
  title,
  remedy,
});

export const telemetryProblemKinds = {
  HDL5110: kind(
    400,
    "The body is not telemetry",
    "Send OTLP as application/x-protobuf or application/json, or Zipkin v2 spans as JSON, whole and uncut.",
  ),
  HDL5111: kind(413, "The batch is too large", "Send smaller batches; the detail names the limit."),
  HDL5112: kind(
    415,
    "Unsupported content type or encoding",
    "Send application/x-protobuf or application/json, plain or with Content-Encoding gzip.",
  ),
  HDL5113: kind(
    429,
    "Telemetry arrives faster than it can be stored",
    "Send the same batch again after the time in Retry-After.",
  ),
  HDL5114: kind(
    400,
    "It is not clear which mesh the telemetry is of",
    "Use a token of one mesh, or name the mesh in the header `x-heddle-mesh`.",
  ),
  HDL5115: kind(
    400,
    "The time range is not valid",
    "Give `from` and `to` in RFC 3339 or in milliseconds since 1970, `from` before `to`.",
  ),
  HDL5116: kind(
    404,
    "No such trace",
    "Traces are kept for a few days; `GET …/traces` lists those there are.",
  ),
  HDL5117: kind(404, "No such service", "`GET …/services` lists those there are."),
  HDL5118: kind(400, "The parameter is not valid", "Correct it as the detail says."),
  HDL5119: kind(
    501,
    "This plane keeps no telemetry",
    "Use a plane with a telemetry store, such as the Node server.",
  ),
} as const satisfies Record<string, ProblemKind>;

export type TelemetryProblemCode = keyof typeof telemetryProblemKinds;

export function telemetryProblem(
  code: TelemetryProblemCode,
  detail: string,
  options?: ProblemOptions,
): ProblemError {
  return new ProblemError(code, telemetryProblemKinds[code], detail, options);
}
