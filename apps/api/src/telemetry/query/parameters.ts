/** Query parameters of telemetry routes: text to values, with a problem that says what is wrong. */

import { telemetryProblem } from "../problems.ts";
import type { TimeRange } from "../telemetry-store.ts";

/** Without a range, what happened lately. */
export const defaultRangeMs = 10 * 60_000;
/** Longer than anything is kept. */
const longestRangeMs = 32 * 86_400_000;
/** More points than any screen has pixels; more would only cost memory. */
const mostSteps = 5000;

/** From and to in milliseconds; `to` defaults to now, `from` to ten minutes before it. Throws problem HDL5115. */
export function timeRange(
  query: { from?: string | undefined; to?: string | undefined },
  now: number,
): TimeRange {
  const to = query.to === undefined ? now : instant("to", query.to);
  const from = query.from === undefined ? to - defaultRangeMs : instant("from", query.from);
  if (from >= to)
    throw telemetryProblem("HDL5115", `\`from\` (${iso(from)}) is not before \`to\` (${iso(to)}).`);
  if (to - from > longestRangeMs)
    throw telemetryProblem("HDL5115", "The range is longer than 32 days.");
  return { from, to };
}

/** Milliseconds: a number, or a number with ms, s, m or h. Throws problem HDL5118. */
export function duration(name: string, value: string): number {
  const match = /^(\d+(?:\.\d+)?)(us|µs|ms|s|m|h)?$/.exec(value);
  if (!match)
    throw telemetryProblem(
      "HDL5118",
      `\`${name}\` must be a duration such as 250ms, 1.5s or 5m, not ${JSON.stringify(value)}.`,
    );
  const units: Record<string, number> = {
    us: 0.001,
    µs: 0.001,
    ms: 1,
    s: 1000,
    m: 60_000,
    h: 3_600_000,
  };
  return Number(match[1]) * units[match[2] ?? "ms"]!;
}

/** The step asked for, or one that gives about `points` points. Whole seconds, as many as the range bears. */
export function stepOf(range: TimeRange, asked: string | undefined, points: number): number {
  const length = range.to - range.from;
  if (asked === undefined) {
    const ideal = length / points;
    return niceSteps.find((step) => step >= ideal) ?? Math.ceil(ideal / 86_400_000) * 86_400_000;
  }
  const step = Math.round(duration("step", asked));
  if (step < 1000) throw telemetryProblem("HDL5118", "`step` must be a second or more.");
  if (length / step > mostSteps)
    throw telemetryProblem(
      "HDL5118",
      `\`step\` cuts the range into more than ${mostSteps} points; take a longer step or a shorter range.`,
    );
  return step;
}

/** Milliseconds; what people divide hours into. */
const niceSteps = [
  1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400,
].map((seconds) => seconds * 1000);

function instant(name: string, value: string): number {
  const milliseconds = /^\d{1,16}$/.test(value)
    ? Number(value)
    : /^\d{4}-\d\d-\d\dT/.test(value)
      ? Date.parse(value)
      : Number.NaN;
  if (Number.isNaN(milliseconds) || milliseconds > 8.64e15) {
    throw telemetryProblem(
      "HDL5115",
      `\`${name}\` must be a time in RFC 3339 or milliseconds since 1970, not ${JSON.stringify(value.slice(0, 60))}.`,
    );
  }
  return milliseconds;
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
