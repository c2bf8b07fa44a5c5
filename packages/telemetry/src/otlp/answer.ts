/** The answers of OTLP's export services: empty, or how many records were rejected and why. */

import { WireWriter } from "../wire/writer.ts";

export type OtlpSignal = "traces" | "metrics" | "logs";

const rejectedField: Record<OtlpSignal, string> = {
  traces: "rejectedSpans",
  metrics: "rejectedDataPoints",
  logs: "rejectedLogRecords",
};

export function encodeExportAnswer(rejected: number, reason: string): Uint8Array {
  const writer = new WireWriter();
  if (rejected > 0) {
    writer.message(1, () => {
      writer.uint(1, rejected);
      writer.text(2, reason);
    });
  }
  return writer.finish();
}

export function encodeExportAnswerJson(
  signal: OtlpSignal,
  rejected: number,
  reason: string,
): string {
  return JSON.stringify(
    rejected > 0
      ? { partialSuccess: { [rejectedField[signal]]: String(rejected), errorMessage: reason } }
      : {},
  );
}
