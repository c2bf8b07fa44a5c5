/** The bytes of TCP connections that go on, added to the counters of those that have ended. */
import { METRIC_NAMES, OPEN_CONNECTION } from "@heddle/model";
import { istioName } from "../prometheus/merge.ts";
import type { Family } from "../prometheus/parse.ts";
import { restarted } from "./request-deltas.ts";
import { uptimeOf, type Observed, type ProxyTotals } from "./request-totals.ts";

/** What a proxy's scrapes have made of its bytes so far. */
export interface ToldBytes extends Observed {
  /** By the metric's name and the text of its labels. */
  series: Map<string, Told>;
}

interface Told {
  /** The counter alone, of connections that have ended; undefined where it is not known. */
  counted: number | undefined;
  /** With the connections that went on. */
  told: number;
}

export interface Followed {
  /** As the proxy's, with bytes in their counters and without the gauges that told of them. */
  families: Family[];
  told: ToldBytes;
  /** Connections that the proxy keeps gauges of: those that go on, and those that ended in the last minutes. */
  connections: number;
}

type Way = "received" | "sent";
const WAYS: readonly Way[] = ["received", "sent"];
const COUNTER_OF: Readonly<Record<Way, string>> = {
  received: METRIC_NAMES.TCP_RECEIVED_BYTES,
  sent: METRIC_NAMES.TCP_SENT_BYTES,
};
const GAUGES: ReadonlySet<string> = new Set(Object.values(OPEN_CONNECTION));

/**
 * Of one scrape, taken `at` by a clock that never jumps, after what earlier ones told. A series never goes back while its proxy
 * runs: a scrape that falls between the end of a connection's gauge and the rise of its counter lacks the connection's bytes, so
 * what was told before stays until there is more. Only a counter that stands in the scrape is added to, and one that fell began anew.
 */
export function followConnections(
  families: readonly Family[],
  before: ToldBytes | undefined,
  at: number,
): Followed {
  const told: ToldBytes = { at, uptime: uptimeOf(families), series: new Map() };
  const earlier = before === undefined || restarted(before, told) ? undefined : before.series;
  const { open, connections } = openBytes(families);
  const result: Family[] = [];
  for (const family of families) {
    const name = istioName(family.name);
    if (GAUGES.has(name)) continue;
    const way = WAYS.find((each) => COUNTER_OF[each] === name);
    if (way === undefined) {
      result.push(family);
      continue;
    }
    const samples = family.samples.map((sample) => {
      const key = `${name}{${sample.labels}}`;
      const last = earlier?.get(key);
      const floor = last && !(sample.value < (last.counted ?? 0)) ? last.told : 0;
      const value = Math.max(floor, sample.value + (open[way].get(sample.labels) ?? 0));
      told.series.set(key, { counted: sample.value, told: value });
      return { ...sample, value };
    });
    result.push({ ...family, samples });
  }
  return { families: result, told, connections };
}

/** What an earlier run told, by what it kept of its last scrape. */
export function toldBefore(totals: ProxyTotals): ToldBytes {
  const { at, uptime } = totals;
  const series = new Map<string, Told>();
  for (const [labels, of] of totals.series)
    for (const way of WAYS)
      if (of[way] > 0)
        series.set(`${COUNTER_OF[way]}{${labels}}`, { counted: undefined, told: of[way] });
  return { at, uptime, series };
}

/** Each way's bytes of open connections, by their labels. */
function openBytes(families: readonly Family[]): {
  open: Record<Way, Map<string, number>>;
  connections: number;
} {
  const samplesOf = (gauge: string) =>
    families.filter(({ name }) => istioName(name) === gauge).flatMap(({ samples }) => samples);
  const open = { received: new Map<string, number>(), sent: new Map<string, number>() };
  const labelled = samplesOf(OPEN_CONNECTION.labels);
  if (labelled.length === 0) return { open, connections: 0 };
  const totals = {
    received: new Map(samplesOf(OPEN_CONNECTION.received).map(numbered)),
    sent: new Map(samplesOf(OPEN_CONNECTION.sent).map(numbered)),
  };
  const latest = { received: new Map<string, Labelled>(), sent: new Map<string, Labelled>() };
  const numbers = new Set<string>();
  for (const sample of labelled) {
    const match = OWN_LABELS.exec(sample.labels);
    if (!match) continue;
    const [own, number = "", which] = match;
    numbers.add(number);
    for (const way of WAYS) {
      if (which !== way && which !== "both") continue;
      if ((latest[way].get(number)?.at ?? -1) >= sample.value) continue;
      const labels = sample.labels.slice(0, -own.length).replaceAll('=""', '="unknown"');
      latest[way].set(number, { labels, at: sample.value });
    }
  }
  for (const way of WAYS)
    for (const [number, { labels }] of latest[way]) {
      const bytes = totals[way].get(number) ?? 0;
      open[way].set(labels, (open[way].get(labels) ?? 0) + bytes);
    }
  return { open, connections: numbers.size };
}

interface Labelled {
  labels: string;
  at: number;
}

/** The last two labels, as Envoy writes them in the order of its configuration. */
const OWN_LABELS = /(?:^|,)heddle_connection="(\d+)",heddle_bytes="(received|sent|both)"$/;

function numbered({ labels, value }: { labels: string; value: number }): [string, number] {
  return [/^heddle_connection="(\d+)"$/.exec(labels)?.[1] ?? "", value];
}
