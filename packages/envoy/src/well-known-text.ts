/** The text forms of durations, timestamps and field masks in protobuf JSON, both ways. */
import { wrongKind } from "./scalars.ts";

/** Seconds and the rest of one, in nanoseconds; for durations both carry the sign. */
export interface Instant {
  readonly seconds: number;
  readonly nanos: number;
}

/** About 10,000 years, protobuf's own limit. */
const MAX_DURATION_SECONDS = 315_576_000_000;

/** `"1.5s"`; HDL3002 for another unit. */
export function parseDuration(value: unknown): Instant {
  const match = typeof value === "string" ? /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/.exec(value) : null;
  if (!match || Number(match[2]) > MAX_DURATION_SECONDS)
    return wrongKind('seconds such as "0.25s"', value);
  const sign = match[1] ? -1 : 1;
  return { seconds: sign * Number(match[2]) || 0, nanos: sign * fraction(match[3]) || 0 };
}

export function formatDuration({ seconds, nanos }: Instant): string {
  const sign = seconds < 0 || nanos < 0 ? "-" : "";
  return `${sign}${Math.abs(seconds)}${fractionText(Math.abs(nanos))}s`;
}

/** RFC 3339 with `Z` or an offset; HDL3002 for anything else. */
export function parseTimestamp(value: unknown): Instant {
  const match =
    typeof value === "string"
      ? /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(value)
      : null;
  const milliseconds = match ? Date.parse(`${match[1]}${match[3]}`) : Number.NaN;
  if (!match || Number.isNaN(milliseconds)) return wrongKind("an RFC 3339 time", value);
  return { seconds: milliseconds / 1000, nanos: fraction(match[2]) };
}

export function formatTimestamp({ seconds, nanos }: Instant): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, -5)}${fractionText(nanos)}Z`;
}

/** `"fooBar.baz,other"` as the paths of the proto file, `foo_bar.baz` and `other`. */
export function parseFieldMask(value: unknown): string[] {
  if (typeof value !== "string" || value.includes("_"))
    return wrongKind("paths in lowerCamelCase", value);
  return value
    .split(",")
    .filter((path) => path !== "")
    .map((path) => path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

export function formatFieldMask(paths: readonly string[]): string {
  return paths
    .map((path) => path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()))
    .join(",");
}

function fraction(digits: string | undefined): number {
  return digits ? Number(digits.padEnd(9, "0")) : 0;
}

/** Three, six or nine digits, as protobuf prints them. */
function fractionText(nanos: number): string {
  if (nanos === 0) return "";
  return `.${String(nanos)
    .padStart(9, "0")
    .replace(/(?:000){1,2}$/, "")}`;
}
