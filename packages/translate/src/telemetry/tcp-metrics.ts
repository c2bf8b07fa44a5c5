/**
 * Istio's metrics of connections. Envoy's counts of bytes are running totals, and what it counts cannot subtract what it has
 * counted before. So bytes are counted when a connection ends, and while it goes on each interval sets gauges of its own to its
 * totals, which its end sets to zero: whoever merges scrapes adds the gauges to the counters (`followConnections` of
 * `@heddle/telemetry`). A scrape has counters before gauges, and an end sets gauges before counters: so none has bytes twice.
 */
import type { AccessLog, AccessLogFilter } from "@heddle/envoy/config/accesslog/v3";
import type { AccessLogType } from "@heddle/envoy/data/accesslog/v3";
import type {
  Config_Gauge,
  Config_Stat,
  Config_Tag,
} from "@heddle/envoy/extensions/access_loggers/stats/v3";
import type { TcpProxy_TcpAccessLogOptions } from "@heddle/envoy/extensions/filters/network/tcp_proxy/v3";
import {
  type CountedMetric,
  MAX_OPEN_CONNECTIONS,
  millisecondsToProto,
  OPEN_CONNECTION,
} from "@heddle/model";
import { type Leg, workloadLabels } from "./labels.ts";
import type { Peer } from "./peer.ts";
import type { SideSettings } from "./settings.ts";
import { at, COUNT_ONE, labelTags, logger, statOf } from "./stats-logger.ts";

/** Nobody asks a proxy more often. */
const SHORTEST_MS = 1000;
/** Half of `STATS_EVICTION_INTERVAL`: a gauge that is set so often is never forgotten while its connection goes on. */
const LONGEST_MS = 300_000;

const GAUGES = Object.keys(OPEN_CONNECTION).length;

const CONNECTION: Config_Tag = { name: "heddle_connection", valueFormat: "%CONNECTION_ID%" };
/** Which of the connection's bytes have the labels beside it. */
type Which = "received" | "sent" | "both";

const NOTHING = "%CEL(0)%";
/** Milliseconds since 1970. A connection that is not made yet has other labels than later, when there are bytes. */
const NOW = "%EMIT_TIME(%s%3f)%";
/** Only when it has ended a connection has a duration. Zero keeps the counter from being forgotten while connections go on. */
const atEnd = (bytes: string) => `%CEL(has(request.duration)?${bytes}:0)%`;

type Bytes = Extract<CountedMetric, "TCP_RECEIVED_BYTES" | "TCP_SENT_BYTES">;
const BYTES = {
  TCP_RECEIVED_BYTES: {
    total: "%BYTES_RECEIVED%",
    counted: atEnd("request.total_size"),
    open: OPEN_CONNECTION.received,
  },
  TCP_SENT_BYTES: {
    total: "%BYTES_SENT%",
    counted: atEnd("response.total_size"),
    open: OPEN_CONNECTION.sent,
  },
} as const;

/** What is another when a connection ends than before, in expressions for labels. */
const CHANGES =
  /\bresponse\b|\b(duration|size|total_size|termination_details|transport_failure_reason|request_attempt_count)\b/;

export function tcpMetrics(leg: Leg, peer: Peer, settings: SideSettings): readonly AccessLog[] {
  const { metrics } = settings;
  const parties = [
    ...labelTags(workloadLabels(leg, peer, "tcp")),
    { name: "request_protocol", valueFormat: "tcp" },
  ];
  const stat = statOf(metrics, [
    ...parties,
    { name: "response_flags", valueFormat: "%RESPONSE_FLAGS%" },
  ]);
  // How a connection ends is not known before, and what a series has been told to have it may not lose.
  const openStat = statOf(metrics, [...parties, { name: "response_flags", valueFormat: "-" }]);
  const one = (own: Config_Stat) => ({ stat: own, valueFixed: COUNT_ONE });
  const told = (metric: Bytes) => (isTold(settings, metric) ? openStat(metric, (own) => own) : []);
  const [received] = told("TCP_RECEIVED_BYTES");
  const [sent] = told("TCP_SENT_BYTES");
  const counted = (metric: Bytes, own: Config_Stat | undefined) =>
    own ? [{ stat: own, valueFormat: BYTES[metric].counted }] : [];
  const late = (metric: Bytes) =>
    isTold(settings, metric)
      ? []
      : stat(metric, (own) => ({ stat: own, valueFormat: BYTES[metric].total }));
  return [
    ...logger(at("TcpUpstreamConnected"), {
      counters: [...stat("TCP_OPENED_CONNECTIONS", one)],
    }),
    ...logger(
      whileOpen(settings.reportingMs),
      { gauges: openGauges(received, sent) },
      { maxGauges: MAX_OPEN_CONNECTIONS * GAUGES },
    ),
    ...logger(at("TcpPeriodic", "TcpConnectionEnd"), {
      counters: [...counted("TCP_RECEIVED_BYTES", received), ...counted("TCP_SENT_BYTES", sent)],
    }),
    ...logger(at("TcpConnectionEnd"), {
      counters: [
        ...stat("TCP_CLOSED_CONNECTIONS", one),
        ...late("TCP_RECEIVED_BYTES"),
        ...late("TCP_SENT_BYTES"),
      ],
    }),
  ];
}

/** When a connection's bytes are told while it goes on. */
export function reportingOptions(settings: SideSettings): TcpProxy_TcpAccessLogOptions {
  return isTold(settings, "TCP_RECEIVED_BYTES") || isTold(settings, "TCP_SENT_BYTES")
    ? { accessLogFlushInterval: millisecondsToProto(intervalOf(settings.reportingMs)) }
    : {};
}

/** Not where a label says something of the end: bytes would have to move from one series to another. */
function isTold({ metrics }: SideSettings, metric: Bytes): boolean {
  const { disabled, tags } = metrics[metric];
  return !disabled && !Object.values(tags).some((value) => value !== null && CHANGES.test(value));
}

function intervalOf(reportingMs: number): number {
  return Math.min(Math.max(reportingMs, SHORTEST_MS), LONGEST_MS);
}

/** At each interval, and at the end of what may have lasted one: timers can be a little early. */
function whileOpen(reportingMs: number): AccessLogFilter {
  const lasted = Math.floor(intervalOf(reportingMs) / 2);
  const longEnough: AccessLogFilter = {
    durationFilter: {
      comparison: { op: "GE", value: { defaultValue: lasted, runtimeKey: "heddle.told_after" } },
    },
  };
  return {
    orFilter: {
      filters: [
        at("TcpPeriodic"),
        { andFilter: { filters: [at("TcpConnectionEnd"), longEnough] } },
      ],
    },
  };
}

function openGauges(
  received: Config_Stat | undefined,
  sent: Config_Stat | undefined,
): readonly Config_Gauge[] {
  const bytes = (metric: Bytes) => {
    const stat: Config_Stat = { name: BYTES[metric].open, tags: [CONNECTION] };
    const set = (valueFormat: string, logType: AccessLogType) => ({
      stat,
      valueFormat,
      set: { logType },
    });
    return [set(BYTES[metric].total, "TcpPeriodic"), set(NOTHING, "TcpConnectionEnd")];
  };
  return [
    ...labelGauges(received, sent),
    ...(received ? bytes("TCP_RECEIVED_BYTES") : []),
    ...(sent ? bytes("TCP_SENT_BYTES") : []),
  ];
}

function labelGauges(
  received: Config_Stat | undefined,
  sent: Config_Stat | undefined,
): readonly Config_Gauge[] {
  // Without the rules, which are most of what a tag costs in each filter chain: what is `unknown` beside bytes is empty here.
  const bare = ({ name, valueFormat }: Config_Tag): Config_Tag => ({ name, valueFormat });
  const labels = (own: Config_Stat | undefined, which: Which): readonly Config_Gauge[] =>
    own === undefined
      ? []
      : [
          {
            stat: {
              name: OPEN_CONNECTION.labels,
              tags: [
                ...(own.tags ?? []).map(bare),
                CONNECTION,
                { name: "heddle_bytes", valueFormat: which },
              ],
            },
            valueFormat: NOW,
            set: { logType: "TcpPeriodic" },
          },
        ];
  return received && JSON.stringify(received.tags) === JSON.stringify(sent?.tags)
    ? labels(received, "both")
    : [...labels(received, "received"), ...labels(sent, "sent")];
}
