/** Bodies of every accepted format to rows. */

import {
  CodecError,
  decodeLogs,
  decodeLogsJson,
  decodeMetrics,
  decodeMetricsJson,
  decodeTraces,
  decodeTracesJson,
  decodeZipkin,
  type Decoded,
  type LogRecord,
  type MetricPoint,
  type OtlpSignal,
  type SpanRecord,
} from "@heddle/telemetry";
import { telemetryProblem } from "../problems.ts";

export type BodyFormat = "protobuf" | "json";

/** Throws problem HDL5112. */
export function bodyFormat(contentType: string | undefined): BodyFormat {
  const type = (contentType ?? "").split(";")[0]!.trim().toLowerCase();
  if (type === "application/x-protobuf" || type === "application/protobuf") return "protobuf";
  if (type === "application/json") return "json";
  throw telemetryProblem(
    "HDL5112",
    `The content type ${type === "" ? "is missing" : `${type} is not supported`}.`,
  );
}

export interface Telemetry {
  traces: SpanRecord;
  metrics: MetricPoint;
  logs: LogRecord;
}

const decoders: {
  [S in OtlpSignal]: {
    protobuf(body: Uint8Array): Decoded<Telemetry[S]>;
    json(body: string): Decoded<Telemetry[S]>;
  };
} = {
  traces: { protobuf: decodeTraces, json: decodeTracesJson },
  metrics: { protobuf: decodeMetrics, json: decodeMetricsJson },
  logs: { protobuf: decodeLogs, json: decodeLogsJson },
};

/** Throws problem HDL5110 where nothing of the body can be read; what can't be read in part is counted in the answer. */
export function decodeBody<S extends OtlpSignal>(
  signal: S,
  format: BodyFormat,
  body: Uint8Array,
): Decoded<Telemetry[S]> {
  return refusing(() =>
    format === "json"
      ? decoders[signal].json(new TextDecoder().decode(body))
      : decoders[signal].protobuf(body),
  );
}

export function decodeZipkinBody(body: Uint8Array): Decoded<SpanRecord> {
  return refusing(() => decodeZipkin(new TextDecoder().decode(body)));
}

function refusing<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof CodecError)
      throw telemetryProblem("HDL5110", error.message, { cause: error });
    throw error;
  }
}
