/** The time range that every page looks at: kept in the URL, either the last N minutes (live) or two fixed instants. */

export type TimeRange =
  | { kind: "live"; minutes: number }
  | { kind: "fixed"; from: number; to: number };

/** How a range is written in the URL: `range=15m`, or `from` and `to` as RFC 3339. */
export interface RangeSearch {
  range?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

/** Instants in milliseconds since 1970. */
export interface Interval {
  from: number;
  to: number;
}

const DEFAULT_MINUTES = 15;
/** A range shorter than this shows a single telemetry step, which says nothing. */
const SHORTEST_MS = 10_000;

/** The ranges that the picker offers, in minutes. */
export const offeredMinutes = [5, 15, 60, 180, 720, 1440, 10_080] as const;

const unitMinutes = { m: 1, h: 60, d: 1440 } as const;

/** Reads the range out of the URL. What cannot be read means the default: the last 15 minutes, live. */
export function parseRange(search: RangeSearch): TimeRange {
  const from = search.from === undefined ? Number.NaN : Date.parse(search.from);
  const to = search.to === undefined ? Number.NaN : Date.parse(search.to);
  if (to - from >= SHORTEST_MS) return { kind: "fixed", from, to };
  const written = /^(\d{1,5})([mhd])$/.exec(search.range ?? "");
  const minutes = written
    ? Number(written[1]) * unitMinutes[written[2] as keyof typeof unitMinutes]
    : DEFAULT_MINUTES;
  return { kind: "live", minutes: minutes > 0 ? minutes : DEFAULT_MINUTES };
}

/** Writes the range for the URL; the default is written as nothing. */
export function rangeSearch(range: TimeRange): RangeSearch {
  if (range.kind === "fixed")
    return { range: undefined, from: instant(range.from), to: instant(range.to) };
  return {
    range: range.minutes === DEFAULT_MINUTES ? undefined : minutesText(range.minutes),
    from: undefined,
    to: undefined,
  };
}

/** The two instants that a range means at `now`. */
export function resolveRange(range: TimeRange, now: number): Interval {
  if (range.kind === "fixed") return { from: range.from, to: range.to };
  return { from: now - range.minutes * 60_000, to: now };
}

/** Pausing holds a live range where it is; going live again keeps its length. */
export function toggleLive(range: TimeRange, now: number): TimeRange {
  if (range.kind === "live") return { kind: "fixed", ...resolveRange(range, now) };
  return { kind: "live", minutes: Math.max(1, Math.round((range.to - range.from) / 60_000)) };
}

/** Moves by half the range's length; a step forward past `now` goes live. */
export function shiftRange(range: TimeRange, direction: -1 | 1, now: number): TimeRange {
  const { from, to } = resolveRange(range, now);
  const step = ((to - from) / 2) * direction;
  if (to + step >= now) return range.kind === "live" ? range : toggleLive(range, now);
  return { kind: "fixed", from: from + step, to: to + step };
}

/** A range dragged on a chart, in either direction; too short a drag is no range. */
export function draggedRange(first: number, second: number): TimeRange | undefined {
  const from = Math.min(first, second);
  const to = Math.max(first, second);
  return to - from >= SHORTEST_MS ? { kind: "fixed", from, to } : undefined;
}

/** In words: `last 15 minutes`, `14:02:10 – 14:30:00`, with the day where it is not today's. */
export function describeRange(range: TimeRange, now: number): string {
  if (range.kind === "live") return `last ${minutesWords(range.minutes)}`;
  const today = new Date(now).toDateString();
  const clock = (time: number): string => {
    const date = new Date(time);
    const text = date.toTimeString().slice(0, 8);
    const day = date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    return date.toDateString() === today ? text : `${day} ${text}`;
  };
  return `${clock(range.from)} – ${clock(range.to)}`;
}

/** Stable text for cache keys: two equal ranges have the same. */
export function rangeKey(range: TimeRange): string {
  return range.kind === "live" ? `live ${range.minutes}` : `${range.from}-${range.to}`;
}

/** A step in seconds that gives a chart about 120 points. */
export function stepSeconds({ from, to }: Interval): number {
  const seconds = (to - from) / 1000 / 120;
  return [5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600].find((step) => step >= seconds) ?? 7200;
}

function minutesText(minutes: number): string {
  if (minutes % 1440 === 0) return `${minutes / 1440}d`;
  if (minutes % 60 === 0) return `${minutes / 60}h`;
  return `${minutes}m`;
}

/** `15 minutes`, `1 hour`, `7 days`. */
export function minutesWords(minutes: number): string {
  const [count, unit] =
    minutes % 1440 === 0
      ? [minutes / 1440, "day"]
      : minutes % 60 === 0
        ? [minutes / 60, "hour"]
        : [minutes, "minute"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

function instant(time: number): string {
  return new Date(Math.round(time / 1000) * 1000).toISOString().replace(".000Z", "Z");
}
