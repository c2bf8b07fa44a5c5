/** Istio's metrics of requests, counted by the proxy itself with Envoy's stats access logger, and what all its loggers share. */
import type { AccessLog, AccessLogFilter } from "@heddle/envoy/config/accesslog/v3";
import type { AccessLogType } from "@heddle/envoy/data/accesslog/v3";
import type {
  Config,
  Config_Stat,
  Config_Tag,
} from "@heddle/envoy/extensions/access_loggers/stats/v3";
import { type CountedMetric, METRIC_NAMES } from "@heddle/model";
import { extension, typedConfig } from "../typed-config.ts";
import { filtered } from "./access-log.ts";
import { HAS_MESSAGES, REQUEST_MESSAGES, RESPONSE_MESSAGES } from "./grpc-messages.ts";
import { type Labels, type Leg, UNKNOWN, workloadLabels } from "./labels.ts";
import type { Peer } from "./peer.ts";
import type { SideSettings } from "./settings.ts";

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

export const COUNT_ONE = "1";

type Metrics = SideSettings["metrics"];

export function httpMetrics(leg: Leg, peer: Peer, metrics: Metrics): readonly AccessLog[] {
  const tags = [
    ...labelTags(workloadLabels(leg, peer, "http")),
    { name: "request_protocol", valueFormat: "%REQ(content-type)%", rules: REQUEST_PROTOCOL },
    { name: "response_code", valueFormat: "%RESPONSE_CODE%" },
    { name: "grpc_response_status", valueFormat: "%GRPC_STATUS_NUMBER%" },
    { name: "response_flags", valueFormat: "%RESPONSE_FLAGS%" },
  ];
  const stat = statOf(metrics, tags);
  const messages = logger(at("DownstreamEnd"), {
    counters: [
      ...stat("GRPC_REQUEST_MESSAGES", (own) => ({ stat: own, valueFormat: REQUEST_MESSAGES })),
      ...stat("GRPC_RESPONSE_MESSAGES", (own) => ({ stat: own, valueFormat: RESPONSE_MESSAGES })),
    ],
  });
  const requests = logger(at("DownstreamEnd"), {
    counters: [
      ...stat("REQUEST_COUNT", (own) => ({
        stat: own,
        valueFixed: COUNT_ONE,
      })),
    ],
    histograms: [
      ...stat("REQUEST_DURATION", (own) => ({
        stat: own,
        unit: "Milliseconds" as const,
        valueFormat: "%DURATION%",
      })),
      ...stat("REQUEST_SIZE", (own) => ({
        stat: own,
        unit: "Bytes" as const,
        valueFormat: "%BYTES_RECEIVED%",
      })),
      ...stat("RESPONSE_SIZE", (own) => ({
        stat: own,
        unit: "Bytes" as const,
        valueFormat: "%BYTES_SENT%",
      })),
    ],
  });
  return [...requests, ...messages.map((log) => filtered(log, HAS_MESSAGES))];
}

/** A metric with its own labels, none where it is turned off. */
export function statOf(metrics: Metrics, tags: readonly Config_Tag[]) {
  return <T>(metric: CountedMetric, make: (stat: Config_Stat) => T): readonly T[] => {
    const name = METRIC_NAMES[metric];
    const { disabled, tags: overrides } = metrics[metric];
    if (disabled) return [];
    if (Object.keys(overrides).length === 0) return [make({ name, tags })];
    const kept = tags.filter((tag) => !Object.hasOwn(overrides, tag.name ?? ""));
    const set = Object.entries(overrides).flatMap(([tag, expression]): Config_Tag[] =>
      expression === null
        ? []
        : [{ name: tag, valueFormat: `%CEL(${expression})%`, rules: UNKNOWN_IF_ABSENT }],
    );
    return [make({ name, tags: [...kept, ...set] })];
  };
}

type Counted = Pick<Config, "counters" | "histograms" | "gauges">;

/** No logger where it would count nothing. `when` says what it counts at. */
export function logger(
  when: AccessLogFilter,
  { counters = [], histograms = [], gauges = [] }: Counted,
  limits: Partial<typeof STATS_SCOPE> = {},
): readonly AccessLog[] {
  if (counters.length + histograms.length + gauges.length === 0) return [];
  const config: Config = {
    statsScope: { ...STATS_SCOPE, ...limits },
    ...(counters.length > 0 ? { counters } : {}),
    ...(histograms.length > 0 ? { histograms } : {}),
    ...(gauges.length > 0 ? { gauges } : {}),
  };
  return [
    {
      ...extension<Config>(
        "envoy.access_loggers.stats",
        "envoy.extensions.access_loggers.stats.v3.Config",
        config,
      ),
      filter: when,
    },
  ];
}

export function at(...types: readonly AccessLogType[]): AccessLogFilter {
  return { logTypeFilter: { types } };
}

export function labelTags(labels: Labels): readonly Config_Tag[] {
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
