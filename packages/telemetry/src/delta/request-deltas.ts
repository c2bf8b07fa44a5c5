/** What happened between two scrapes of one proxy: totals to increments, whatever the proxy did in between. */

import { fromCumulative } from "../histogram/explicit.ts";
import { parseLabels } from "../prometheus/parse.ts";
import {
  requestLabels,
  type ExplicitHistogram,
  type RequestLabels,
  type RequestPoint,
} from "../records.ts";
import {
  emptyTotals,
  type Observed,
  type ProxyTotals,
  type RequestTotals,
} from "./request-totals.ts";

export interface Step {
  /** When the later scrape was taken, milliseconds since 1970. */
  time: number;
  /**
   * How long this proxy's totals have been followed without a gap, in milliseconds; a proxy younger than that began at zero while it was
   * watched, so its first totals are increments.
   */
  watchedMs: number;
}

/**
 * Increments of every label set that moved. A series that was not there before began at zero; a total that fell was reset, so all of it is
 * new. Totals of a proxy that ran before it was watched are only a starting point: an increment is never counted twice, and one that nobody
 * watched is not guessed.
 */
export function requestDeltas(
  previous: ProxyTotals | undefined,
  current: ProxyTotals,
  step: Step,
): RequestPoint[] {
  const began =
    previous ??
    (youngerThan(current, step.watchedMs)
      ? { at: current.at, uptime: 0, series: new Map() }
      : undefined);
  if (!began) return [];
  const before = restarted(began, current) ? undefined : began.series;
  const points: RequestPoint[] = [];
  for (const [text, totals] of current.series) {
    const point = increment(before?.get(text), totals, step.time);
    if (point) points.push({ ...point, labels: labelsOf(text) });
  }
  return points;
}

function youngerThan(current: ProxyTotals, watchedMs: number): boolean {
  return current.uptime !== undefined && current.uptime * 1000 <= watchedMs;
}

/** A proxy renews the uptime that it tells every few seconds only, so it may lag behind by so much. */
const uptimeLagMs = 10_000;

/** The uptime fell, or the proxy started after it was last scraped. A counter that fell is a reset too, see `grown`. */
export function restarted(previous: Observed, current: Observed): boolean {
  if (previous.uptime === undefined || current.uptime === undefined) return false;
  const startedAt = current.at - current.uptime * 1000;
  return current.uptime < previous.uptime || startedAt > previous.at + uptimeLagMs;
}

function increment(
  before: RequestTotals | undefined,
  now: RequestTotals,
  time: number,
): Omit<RequestPoint, "labels"> | undefined {
  const start = before ?? emptyTotals();
  const point: Omit<RequestPoint, "labels"> = {
    time,
    requests: grown(start.requests, now.requests),
    requestBytes: grown(start.requestBytes, now.requestBytes),
    responseBytes: grown(start.responseBytes, now.responseBytes),
    opened: grown(start.opened, now.opened),
    closed: grown(start.closed, now.closed),
    received: grown(start.received, now.received),
    sent: grown(start.sent, now.sent),
  };
  const duration = histogramIncrement(start, now);
  if (duration) point.duration = duration;
  const moved =
    duration ||
    point.requests ||
    point.opened ||
    point.closed ||
    point.received ||
    point.sent ||
    point.requestBytes ||
    point.responseBytes;
  return moved ? point : undefined;
}

/** A counter that fell was reset to zero in between. */
function grown(before: number, now: number): number {
  return now >= before ? now - before : now;
}

function histogramIncrement(
  before: RequestTotals,
  now: RequestTotals,
): ExplicitHistogram | undefined {
  const reset = now.durations < before.durations;
  const count = reset ? now.durations : now.durations - before.durations;
  if (count <= 0) return undefined;
  const buckets = [...now.buckets].map(([bound, total]) => ({
    bound,
    count: Math.max(0, total - (reset ? 0 : (before.buckets.get(bound) ?? 0))),
  }));
  return fromCumulative(
    buckets,
    count,
    Math.max(0, now.durationSum - (reset ? 0 : before.durationSum)),
  );
}

function labelsOf(text: string): RequestLabels {
  const labels = parseLabels(text);
  return Object.fromEntries(
    requestLabels.map((name) => [name, labels[name] ?? ""]),
  ) as RequestLabels;
}
