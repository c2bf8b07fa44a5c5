/** OpenTelemetry's enumerations by number, and what ids must look like. */

import type { Attributes, SpanKind, SpanStatus } from "../records.ts";

/** Index is the number on the wire; unspecified counts as internal. */
export const spanKinds: readonly SpanKind[] = [
  "internal",
  "internal",
  "server",
  "client",
  "producer",
  "consumer",
];
export const spanStatuses: readonly SpanStatus[] = ["unset", "ok", "error"];

export function isTraceId(digits: string): boolean {
  return digits.length === 32 && digits !== "00000000000000000000000000000000";
}

export function isSpanId(digits: string): boolean {
  return digits.length === 16 && digits !== "0000000000000000";
}

/** The resource's `service.name`, or what the specification puts in its place. */
export function serviceName(resource: Attributes): string {
  const name = resource["service.name"];
  return typeof name === "string" && name !== "" ? name : "unknown_service";
}

/** The short name of a severity number, 1 to 24, by the specification's ranges. */
export function severityName(number: number): string {
  if (number < 1 || number > 24) return "";
  return ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"][Math.floor((number - 1) / 4)]!;
}

/** The first number of a severity's range; 0 where the name is unknown. */
export function severityNumber(name: string): number {
  const index = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].indexOf(name.toUpperCase());
  return index < 0 ? 0 : index * 4 + 1;
}
