/** The running totals of a proxy's request metrics, read from one scrape of Istio's standard metrics. */

import type { Family, Sample } from "../prometheus/parse.ts";

/** One label set's totals since the proxy started. */
export interface RequestTotals {
  requests: number;
  /** Cumulative counts by upper bound in milliseconds, +Inf left out. */
  buckets: Map<number, number>;
  durations: number;
  durationSum: number;
  requestBytes: number;
  responseBytes: number;
  opened: number;
  closed: number;
  received: number;
  sent: number;
}

/** One scrape of a proxy. */
export interface Observed {
  /** When the scrape was taken, on a clock that never jumps, milliseconds. */
  at: number;
  /** Seconds that the proxy has been running; undefined where the scrape did not say. */
  uptime: number | undefined;
}

export interface ProxyTotals extends Observed {
  /** By the text of the labels as the proxy writes them. */
  series: Map<string, RequestTotals>;
}

type Counter = Exclude<keyof RequestTotals, "buckets">;

const counters: Readonly<Record<string, Counter>> = {
  istio_requests_total: "requests",
  istio_request_duration_milliseconds_count: "durations",
  istio_request_duration_milliseconds_sum: "durationSum",
  istio_request_bytes_sum: "requestBytes",
  istio_response_bytes_sum: "responseBytes",
  istio_tcp_connections_opened_total: "opened",
  istio_tcp_connections_closed_total: "closed",
  istio_tcp_received_bytes_total: "received",
  istio_tcp_sent_bytes_total: "sent",
};

/** `at` is a monotonic time in milliseconds. Families must carry Istio's names already, as `mergeScrapes` gives them. */
export function requestTotals(families: readonly Family[], at: number): ProxyTotals {
  const totals: ProxyTotals = { at, uptime: uptimeOf(families), series: new Map() };
  for (const family of families) {
    if (!family.name.startsWith("istio_")) continue;
    for (const sample of family.samples) addSample(totals.series, sample);
  }
  return totals;
}

export function uptimeOf(families: readonly Family[]): number | undefined {
  return families.find(({ name }) => name === "envoy_server_uptime")?.samples[0]?.value;
}

function addSample(series: ProxyTotals["series"], sample: Sample): void {
  const counter = counters[sample.name];
  if (counter) {
    seriesOf(series, sample.labels)[counter] += sample.value;
  } else if (sample.name === "istio_request_duration_milliseconds_bucket") {
    const { labels, bound } = splitBound(sample.labels);
    if (bound === Infinity || Number.isNaN(bound)) return;
    const { buckets } = seriesOf(series, labels);
    buckets.set(bound, (buckets.get(bound) ?? 0) + sample.value);
  }
}

/** Takes `le` out of a label text; Envoy writes it last, others may not. */
function splitBound(labels: string): { labels: string; bound: number } {
  const last = labels.lastIndexOf(',le="');
  if (last >= 0 && labels.indexOf('"', last + 5) === labels.length - 1) {
    return { labels: labels.slice(0, last), bound: boundOf(labels.slice(last + 5, -1)) };
  }
  const match = /(?:^|,)le="([^"]*)"(?:,|$)/.exec(labels);
  if (!match) return { labels, bound: NaN };
  const before = labels.slice(0, match.index);
  const after = labels.slice(match.index + match[0].length);
  return {
    labels: before !== "" && after !== "" ? `${before},${after}` : before + after,
    bound: boundOf(match[1]!),
  };
}

function boundOf(text: string): number {
  return text === "+Inf" ? Infinity : Number(text);
}

function seriesOf(series: ProxyTotals["series"], labels: string): RequestTotals {
  let totals = series.get(labels);
  if (!totals) series.set(ownText(labels), (totals = emptyTotals()));
  return totals;
}

/** V8 holds a part of a text by the whole of it: a page of which one line is remembered would stay in memory. */
function ownText(part: string): string {
  return ` ${part}`.slice(1);
}

export function emptyTotals(): RequestTotals {
  return {
    requests: 0,
    buckets: new Map(),
    durations: 0,
    durationSum: 0,
    requestBytes: 0,
    responseBytes: 0,
    opened: 0,
    closed: 0,
    received: 0,
    sent: 0,
  };
}
