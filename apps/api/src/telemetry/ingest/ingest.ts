/** What arrives is checked, shaped and stored, and told to those who follow the logs. */

import {
  createDeltas,
  fromMetrics,
  toLogEntry,
  type Decoded,
  type LogEntry,
  type LogRecord,
  type MetricPoint,
  type OtlpSignal,
  type SpanRecord,
} from "@heddle/telemetry";
import { StoreError } from "../store-error.ts";
import { telemetryProblem } from "../problems.ts";
import type {
  BatchId,
  TelemetryBatch,
  TelemetryScope,
  TelemetryStore,
} from "../telemetry-store.ts";
import type { Telemetry } from "./decode.ts";

export interface Ingested {
  /** Records that were not stored, for OTLP's partial success. */
  rejected: number;
  reason: string;
  /** False where the batch had been stored before. */
  stored: boolean;
}

export interface Ingest {
  /** Resolves when the batch is on disk. Throws problem HDL5113 where the store asks to wait. */
  accept<S extends OtlpSignal>(
    scope: TelemetryScope,
    signal: S,
    decoded: Decoded<Telemetry[S]>,
    id?: BatchId,
  ): Promise<Ingested>;
}

/** `onLogs` is told of lines that are stored. */
export function createIngest(
  store: TelemetryStore,
  clock: () => number,
  onLogs: (scope: TelemetryScope, logs: readonly LogEntry[]) => void,
): Ingest {
  const followed = new Map<string, (points: readonly MetricPoint[]) => MetricPoint[]>();
  const sinceNs = BigInt(clock()) * 1_000_000n;

  return {
    async accept(scope, signal, decoded, id) {
      const kept = checked(decoded, signal, clock());
      const batch = batchOf(scope, signal, kept.records);
      try {
        const { stored } = await store.write(scope, batch, id);
        if (stored && batch.logs && batch.logs.length > 0) onLogs(scope, batch.logs);
        return { rejected: kept.rejected, reason: kept.reason, stored };
      } catch (error) {
        if (error instanceof StoreError && error.code === "HDL5103")
          throw telemetryProblem("HDL5113", error.message, {
            cause: error,
            headers: { "retry-after": "2" },
          });
        throw error;
      }
    },
  };

  function batchOf(
    scope: TelemetryScope,
    signal: OtlpSignal,
    records: readonly unknown[],
  ): TelemetryBatch {
    if (signal === "traces") return { spans: (records as SpanRecord[]).map(withStatus) };
    if (signal === "logs") return { logs: (records as LogRecord[]).map(toLogEntry) };
    const { requests, others } = fromMetrics(deltasOf(scope)(records as MetricPoint[]));
    return { requests, metrics: others };
  }

  /** Cumulative metrics are followed for each mesh by itself, since process start. */
  function deltasOf(scope: TelemetryScope): (points: readonly MetricPoint[]) => MetricPoint[] {
    const key = JSON.stringify([scope.tenant, scope.mesh]);
    let deltas = followed.get(key);
    if (!deltas) followed.set(key, (deltas = createDeltas({ sinceNs })));
    return deltas;
  }
}

const hourNs = 3_600_000_000_000n;
const dayNs = 24n * hourNs;
/** A longer span is a mistake of its sender, and would break every range it is in. */
const longestSpanNs = Number(7n * dayNs);

/** Records far from now are refused: they would never be found, or never expire. */
function checked<T>(decoded: Decoded<T>, signal: OtlpSignal, now: number): Decoded<T> {
  const nowNs = BigInt(now) * 1_000_000n;
  const records: T[] = [];
  let { rejected, reason } = decoded;
  for (const record of decoded.records) {
    if (signal === "logs" && (record as LogRecord).timeNs === 0n)
      (record as LogRecord).timeNs = nowNs;
    const at = timeOf(record as SpanRecord | LogRecord | MetricPoint);
    const wrong =
      at > nowNs + hourNs ||
      at < nowNs - 30n * dayNs ||
      ("durationNs" in (record as object) && (record as SpanRecord).durationNs > longestSpanNs);
    if (!wrong) {
      records.push(record);
      continue;
    }
    rejected++;
    reason ||= `a record's time ${at} ns is more than an hour ahead or 30 days back, or its span lasts longer than 7 days`;
  }
  return { records, rejected, reason };
}

function timeOf(record: SpanRecord | LogRecord | MetricPoint): bigint {
  return "startNs" in record && "traceId" in record
    ? record.startNs
    : (record as LogRecord | MetricPoint).timeNs;
}

/** Envoy marks failed requests with a tag and leaves the status unset. */
function withStatus(span: SpanRecord): SpanRecord {
  const failed =
    span.status === "unset" &&
    (span.attributes["error"] === true || span.attributes["error"] === "true");
  return failed ? { ...span, status: "error" } : span;
}
