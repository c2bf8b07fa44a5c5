/** Istio's service metrics, counted by the proxy itself with Envoy's stats access logger. */
import type { AccessLog } from "@heddle/envoy/config/accesslog/v3";
import type { Config, Config_Tag } from "@heddle/envoy/extensions/access_loggers/stats/v3";
import { extension, typedConfig } from "../typed-config.ts";
import { type Labels, type Leg, UNKNOWN, workloadLabels } from "./labels.ts";
import type { Peer } from "./peer.ts";

/** Metrics come out of Envoy as `envoy_<prefix>_istio_requests_total`; whoever merges scrapes takes `envoy_<prefix>_` off. */
export const METRIC_PREFIX = "heddle";

/**
 * Bounds on the number of label sets that one listener may count, so that a peer cannot grow a proxy's memory by what it
 * sends; what goes beyond is dropped and counted by Envoy. Sets that nobody used for the eviction interval go away.
 */
const STATS_SCOPE: NonNullable<Config["statsScope"]> = {
  prefix: METRIC_PREFIX,
  maxCounters: 4000,
  maxGauges: 100,
  maxHistograms: 2000,
  enableEviction: true,
};

const COUNT_ONE = "1";

export function httpMetrics(leg: Leg, peer: Peer): readonly AccessLog[] {
  const tags = [
    ...labelTags(workloadLabels(leg, peer, "http")),
    { name: "request_protocol", valueFormat: "%REQ(content-type)%", rules: REQUEST_PROTOCOL },
    { name: "response_code", valueFormat: "%RESPONSE_CODE%" },
    { name: "grpc_response_status", valueFormat: "%GRPC_STATUS_NUMBER%" },
    { name: "response_flags", valueFormat: "%RESPONSE_FLAGS%" },
  ];
  const stat = (name: string) => ({ name, tags });
  const config: Config = {
    statsScope: STATS_SCOPE,
    counters: [{ stat: stat("istio_requests_total"), valueFixed: COUNT_ONE }],
    histograms: [
      {
        stat: stat("istio_request_duration_milliseconds"),
        unit: "Milliseconds",
        valueFormat: "%DURATION%",
      },
      { stat: stat("istio_request_bytes"), unit: "Bytes", valueFormat: "%BYTES_RECEIVED%" },
      { stat: stat("istio_response_bytes"), unit: "Bytes", valueFormat: "%BYTES_SENT%" },
    ],
  };
  return [logger(config, "DownstreamEnd")];
}

/** Envoy's counts of bytes are running totals, so bytes are counted once, when the connection ends. */
export function tcpMetrics(leg: Leg, peer: Peer): readonly AccessLog[] {
  const tags = [
    ...labelTags(workloadLabels(leg, peer, "tcp")),
    { name: "request_protocol", valueFormat: "tcp" },
    { name: "response_flags", valueFormat: "%RESPONSE_FLAGS%" },
  ];
  const stat = (name: string) => ({ name, tags });
  const opened: Config = {
    statsScope: STATS_SCOPE,
    counters: [{ stat: stat("istio_tcp_connections_opened_total"), valueFixed: COUNT_ONE }],
  };
  const ended: Config = {
    statsScope: STATS_SCOPE,
    counters: [
      { stat: stat("istio_tcp_connections_closed_total"), valueFixed: COUNT_ONE },
      { stat: stat("istio_tcp_received_bytes_total"), valueFormat: "%BYTES_RECEIVED%" },
      { stat: stat("istio_tcp_sent_bytes_total"), valueFormat: "%BYTES_SENT%" },
    ],
  };
  return [logger(opened, "TcpUpstreamConnected"), logger(ended, "TcpConnectionEnd")];
}

function logger(
  config: Config,
  type: "DownstreamEnd" | "TcpUpstreamConnected" | "TcpConnectionEnd",
): AccessLog {
  return {
    ...extension<Config>(
      "envoy.access_loggers.stats",
      "envoy.extensions.access_loggers.stats.v3.Config",
      config,
    ),
    filter: { logTypeFilter: { types: [type] } },
  };
}

function labelTags(labels: Labels): readonly Config_Tag[] {
  return Object.entries(labels).map(([name, valueFormat]) =>
    valueFormat.includes("%")
      ? { name, valueFormat, rules: UNKNOWN_IF_ABSENT }
      : { name, valueFormat },
  );
}

type Rules = NonNullable<Config_Tag["rules"]>;

/** Values that stand in the table are replaced, others stay, or become `otherwise`. */
function replacing(table: Readonly<Record<string, string>>, otherwise?: string): Rules {
  return {
    matcherTree: {
      input: {
        name: "value",
        typedConfig: typedConfig(
          "envoy.extensions.matching.common_inputs.stats.v3.StatTagValueInput",
          {},
        ),
      },
      exactMatchMap: {
        map: Object.fromEntries(Object.entries(table).map(([from, to]) => [from, update(to)])),
      },
    },
    ...(otherwise === undefined ? {} : { onNoMatch: update(otherwise) }),
  };
}

function update(value: string) {
  return {
    action: {
      name: "update",
      typedConfig: typedConfig(
        "envoy.extensions.matching.actions.transform_stat.v3.TransformStat",
        {
          updateTag: { newTagValue: value },
        },
      ),
    },
  };
}

/** Here a format gives nothing where it does not know; only in access logs it is `-`. */
const UNKNOWN_IF_ABSENT = replacing({ "": UNKNOWN });

const REQUEST_PROTOCOL = replacing(
  { "application/grpc": "grpc", "application/grpc+proto": "grpc", "application/grpc+json": "grpc" },
  "http",
);
